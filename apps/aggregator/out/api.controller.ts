import { Controller, Get, HttpCode, Post, Query, Res, Sse, UseGuards, type MessageEvent, type OnModuleDestroy } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { interval, map, startWith, Subject, takeUntil, type Observable } from 'rxjs';
import type { AlertDocument, GpuDocument, MetricsDocument } from '#libs/contracts';
import { BearerGuard } from './bearer.guard.js';
import { DEFAULT_QUERY, FleetAnswers, OFFSET_HEADER } from './fleet-answers.js';
import { metricsQuery } from './query.js';
import { ViewGuard } from './view.guard.js';

const STREAM_INTERVAL_MS = 1000;
type Parameters = Readonly<Record<string, unknown>>;

/** The JSON API: the fleet's truth, the same from every replica. */
@Controller('api/v1')
@UseGuards(BearerGuard, ViewGuard)
export class ApiController implements OnModuleDestroy {
  private readonly closing = new Subject<void>();

  constructor(private readonly answers: FleetAnswers) {}

  /** Ends the streams: else they would keep the server from closing. */
  onModuleDestroy(): void {
    this.closing.next();
  }

  @Get('metrics')
  metrics(@Query() parameters: Parameters, @Res({ passthrough: true }) reply: FastifyReply): MetricsDocument {
    const document = this.answers.document(metricsQuery(parameters));
    void reply.header(OFFSET_HEADER, this.answers.offsetOf(document));
    return document;
  }

  /** The seed's clients may post. */
  @Post('metrics')
  @HttpCode(200)
  postedMetrics(@Query() parameters: Parameters, @Res({ passthrough: true }) reply: FastifyReply): MetricsDocument {
    return this.metrics(parameters, reply);
  }

  @Get('gpus')
  gpus(): { readonly gpus: readonly GpuDocument[] } {
    return { gpus: this.answers.document(DEFAULT_QUERY).gpus };
  }

  @Get('alerts')
  alerts(): { readonly alerts: readonly AlertDocument[] } {
    return { alerts: this.answers.allAlerts() };
  }

  /** The metrics document as Server-Sent Events, at once and then every second. */
  @Sse('stream')
  stream(@Query() parameters: Parameters): Observable<MessageEvent> {
    const query = metricsQuery(parameters);
    return interval(STREAM_INTERVAL_MS).pipe(
      startWith(0),
      takeUntil(this.closing),
      map(() => ({ data: this.answers.document(query) })),
    );
  }
}
