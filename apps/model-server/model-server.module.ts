import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ProcessMetricsModule, type ProcessMetrics } from '#libs/process-metrics';
import { ControlController } from './in/control.controller.js';
import { Engine } from './in/engine.js';
import { ErrorFilter } from './in/error.filter.js';
import { InferenceController } from './in/inference.controller.js';
import { ModelsController } from './in/models.controller.js';

/** The routes of a simulated OpenAI-compatible server around one engine. */
@Module({})
export class ModelServerModule {
  static forRoot(engine: Engine, metrics: ProcessMetrics): DynamicModule {
    return {
      module: ModelServerModule,
      imports: [ProcessMetricsModule.of(metrics, engine.settings.apiToken)],
      controllers: [InferenceController, ModelsController, ControlController],
      providers: [
        { provide: Engine, useValue: engine },
        { provide: APP_FILTER, useClass: ErrorFilter },
      ],
    };
  }
}
