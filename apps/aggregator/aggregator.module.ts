import { Module, type DynamicModule } from '@nestjs/common';
import { Aggregation } from './in/aggregation.js';
import { HealthController } from './in/health.controller.js';
import { ApiController } from './out/api.controller.js';
import { ApiToken, BearerGuard } from './out/bearer.guard.js';
import { FleetAnswers } from './out/fleet-answers.js';
import { PrometheusController } from './out/prometheus.controller.js';

/** The HTTP side of a running aggregation. */
@Module({})
export class AggregatorModule {
  static of(aggregation: Aggregation, answers: FleetAnswers, apiToken: string | undefined): DynamicModule {
    return {
      module: AggregatorModule,
      controllers: [ApiController, PrometheusController, HealthController],
      providers: [
        BearerGuard,
        { provide: Aggregation, useValue: aggregation },
        { provide: FleetAnswers, useValue: answers },
        { provide: ApiToken, useValue: new ApiToken(apiToken) },
      ],
    };
  }
}
