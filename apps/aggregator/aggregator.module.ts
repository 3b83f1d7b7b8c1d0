import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ProcessMetricsModule, type ProcessMetrics } from '#libs/process-metrics';
import type { Logger } from '#libs/runtime';
import { Aggregation } from './in/aggregation.js';
import { HealthController } from './in/health.controller.js';
import { ApiController } from './out/api.controller.js';
import { ApiToken, BearerGuard } from './out/bearer.guard.js';
import { ErrorFilter } from './out/error.filter.js';
import { FleetAnswers } from './out/fleet-answers.js';
import { FleetTelling } from './out/fleet-telling.js';
import { IndexController } from './out/index.controller.js';
import { PrometheusController } from './out/prometheus.controller.js';
import { ViewGuard } from './out/view.guard.js';

/** The HTTP side of a running aggregation. */
@Module({})
export class AggregatorModule {
  static of(parts: {
    aggregation: Aggregation;
    telling: FleetTelling;
    metrics: ProcessMetrics;
    apiToken: string | undefined;
    logger: Logger;
  }): DynamicModule {
    const { aggregation, telling, metrics, apiToken, logger } = parts;
    return {
      module: AggregatorModule,
      imports: [ProcessMetricsModule.of(metrics, apiToken)],
      controllers: [IndexController, ApiController, PrometheusController, HealthController],
      providers: [
        BearerGuard,
        ViewGuard,
        { provide: APP_FILTER, useValue: new ErrorFilter(logger) },
        { provide: Aggregation, useValue: aggregation },
        { provide: FleetAnswers, useValue: telling.answers },
        { provide: FleetTelling, useValue: telling },
        { provide: ApiToken, useValue: new ApiToken(apiToken) },
      ],
    };
  }
}
