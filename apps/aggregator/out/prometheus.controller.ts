import { Controller, Get, Headers, Res, ServiceUnavailableException, UseGuards } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { BearerGuard } from './bearer.guard.js';
import { errorBody } from './error-body.js';
import { CONTENT_TYPES, exposition, formatFor } from './exposition.js';
import { DEFAULT_QUERY, FleetAnswers, OFFSET_HEADER } from './fleet-answers.js';
import { seedFamilies } from './seed-metrics.js';
import { ViewGuard } from './view.guard.js';

/** The fleet's truth for Prometheus: the same from every replica, so one address is scraped. */
@Controller('metrics/prometheus')
@UseGuards(BearerGuard, ViewGuard)
export class PrometheusController {
  constructor(private readonly answers: FleetAnswers) {}

  /** A view that is too old answers 503 rather than let a counter run backwards. */
  @Get()
  scrape(@Headers('accept') accept: string | undefined, @Res() reply: FastifyReply): void {
    if (this.answers.stale) {
      const age = Math.round(this.answers.viewAgeMs / 1000);
      throw new ServiceUnavailableException(errorBody(503, `the view of the fleet is ${age} s old`, 'stale_view'));
    }
    const format = formatFor(accept);
    const document = this.answers.document(DEFAULT_QUERY);
    const families = seedFamilies(document, this.answers.allAlerts());
    void reply.header(OFFSET_HEADER, this.answers.offsetOf(document)).type(CONTENT_TYPES[format]).send(exposition(families, format));
  }
}
