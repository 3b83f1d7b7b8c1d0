import { Module, type DynamicModule } from '@nestjs/common';
import { Outbox } from '#libs/event-log';
import { ProcessMetricsModule, type ProcessMetrics } from '#libs/process-metrics';
import { HealthController } from './in/health.controller.js';
import { ReadingLoop } from './in/reading-loop.js';

/** The probe: a loop that reads GPUs, an outbox that sends the readings, and a health page. */
@Module({})
export class GpuProbeModule {
  static forRoot(loop: ReadingLoop, outbox: Outbox, metrics: ProcessMetrics, apiToken: string | undefined): DynamicModule {
    return {
      module: GpuProbeModule,
      imports: [ProcessMetricsModule.of(metrics, apiToken)],
      controllers: [HealthController],
      providers: [
        { provide: ReadingLoop, useValue: loop },
        { provide: Outbox, useValue: outbox },
      ],
    };
  }
}
