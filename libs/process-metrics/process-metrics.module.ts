import { Controller, Get, Headers, Module, Res, UnauthorizedException, type DynamicModule, type OnModuleDestroy } from '@nestjs/common';
import { CONTENT_TYPES, formatFor } from '#libs/exposition';
import { hasBearerToken } from '#libs/runtime';
import { ProcessMetrics } from './process-metrics.js';

/** The token that the route asks for; none: it is open. */
class MetricsToken {
  constructor(readonly value: string | undefined) {}
}

const UNAUTHORIZED = {
  error: {
    message: 'a bearer token is needed: Authorization: Bearer <API_TOKEN>',
    type: 'invalid_request_error',
    code: 'unauthorized',
    param: null,
  },
};

/** `GET /metrics`: this process for Prometheus. The fleet is told by the aggregator under another path, and under other names. */
@Controller('metrics')
class ProcessMetricsController implements OnModuleDestroy {
  constructor(
    private readonly metrics: ProcessMetrics,
    private readonly token: MetricsToken,
  ) {}

  onModuleDestroy(): Promise<void> {
    return this.metrics.close();
  }

  @Get()
  async scrape(
    @Headers('accept') accept: string | undefined,
    @Headers('authorization') authorization: string | undefined,
    @Res({ passthrough: true }) reply: { header(name: string, value: string): unknown },
  ): Promise<string> {
    if (!hasBearerToken(authorization, this.token.value)) throw new UnauthorizedException(UNAUTHORIZED);
    const format = formatFor(accept);
    const text = await this.metrics.render(format);
    reply.header('content-type', CONTENT_TYPES[format]);
    return text;
  }
}

/** Puts `GET /metrics` on the app that imports it, and closes the metrics with the app. */
@Module({})
export class ProcessMetricsModule {
  static of(metrics: ProcessMetrics, apiToken: string | undefined): DynamicModule {
    return {
      module: ProcessMetricsModule,
      controllers: [ProcessMetricsController],
      providers: [
        { provide: ProcessMetrics, useValue: metrics },
        { provide: MetricsToken, useValue: new MetricsToken(apiToken) },
      ],
    };
  }
}
