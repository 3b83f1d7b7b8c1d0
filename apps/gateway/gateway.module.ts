import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import { Outbox } from '#libs/event-log';
import { ProcessMetrics, ProcessMetricsModule } from '#libs/process-metrics';
import type { Logger } from '#libs/runtime';
import { Admission } from './core/admission.js';
import { Counters } from './core/counters.js';
import { AdminToken } from './in/admin-token.js';
import { AdminController } from './in/admin.controller.js';
import { Cors } from './in/cors.js';
import { DoorController } from './in/door.controller.js';
import { ErrorFilter } from './in/error.filter.js';
import { GatewayStats } from './in/gateway-stats.js';
import { HealthController } from './in/health.controller.js';
import { InferenceRoutes } from './in/inference-routes.js';
import { Inference } from './in/inference.js';
import { Limits } from './in/limits.js';
import { KeyGate } from './in/key-gate.js';
import { ModelsController } from './in/models.controller.js';
import { StatsController } from './in/stats.controller.js';
import { Aggregator } from './out/aggregator.js';
import { ApiKeys } from './out/api-keys.js';
import { Heartbeats } from './out/heartbeats.js';
import { RequestRecorder } from './out/request-recorder.js';
import { Upstreams } from './out/upstreams.js';
import type { GatewaySettings } from './settings.js';

export interface GatewayParts {
  readonly outbox: Outbox;
  readonly logger: Logger;
}

/** The gateway: a proxy for one model server that tells the event log of every request. */
@Module({})
export class GatewayModule {
  static forRoot(settings: GatewaySettings, { outbox, logger }: GatewayParts): DynamicModule {
    const limits = {
      maxConcurrent: settings.maxConcurrentRequests,
      maxQueue: settings.maxQueueSize,
      maxConcurrentPerTenant: settings.maxConcurrentPerTenant,
      maxQueuePerTenant: settings.maxQueuePerTenant,
    };
    return {
      module: GatewayModule,
      imports: [ProcessMetricsModule.of(new ProcessMetrics('gateway', logger), settings.apiToken)],
      controllers: [ModelsController, HealthController, StatsController, AdminController, DoorController],
      providers: [
        Counters,
        { provide: Admission, useValue: new Admission(limits, settings.queueOrder) },
        { provide: Upstreams, useValue: new Upstreams(settings.upstream, logger) },
        { provide: Aggregator, useValue: new Aggregator(settings.aggregatorUrl) },
        { provide: Outbox, useValue: outbox },
        {
          provide: RequestRecorder,
          inject: [Counters],
          useFactory: (counters: Counters) => new RequestRecorder(outbox, counters),
        },
        {
          provide: Inference,
          inject: [Admission, Upstreams, RequestRecorder],
          useFactory: (...parts: [ConstructorParameters<typeof Inference>[1], Upstreams, RequestRecorder]) =>
            new Inference(settings, ...parts, logger),
        },
        {
          provide: GatewayStats,
          inject: [Admission, Counters],
          useFactory: (...parts: [Admission<unknown>, Counters]) => new GatewayStats(settings, ...parts, outbox),
        },
        {
          provide: Heartbeats,
          inject: [GatewayStats],
          useFactory: (stats: GatewayStats) => new Heartbeats(outbox, settings.gatewayId, () => stats.heartbeat()),
        },
        { provide: AdminToken, useValue: new AdminToken(settings.apiToken) },
        {
          provide: Limits,
          inject: [Inference, Admission],
          useFactory: (...parts: [Inference, Admission<unknown>]) => new Limits(...parts, limits, settings.limitsFile, logger),
        },
        { provide: ApiKeys, useFactory: () => new ApiKeys(settings.apiKeysFile, logger) },
        {
          provide: Cors,
          inject: [HttpAdapterHost],
          useFactory: (host: HttpAdapterHost) => new Cors(host, new Set(settings.corsOrigins)),
        },
        KeyGate,
        InferenceRoutes,
        { provide: APP_FILTER, useClass: ErrorFilter },
      ],
    };
  }
}
