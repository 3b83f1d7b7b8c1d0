import { Controller, Get, Headers, Res, ServiceUnavailableException, UseGuards } from '@nestjs/common';
import { acceptsGzip, CONTENT_TYPES, formatFor, render, SharedRendering } from '#libs/exposition';
import type { FastifyReply } from 'fastify';
import { BearerGuard } from './bearer.guard.js';
import { errorBody } from './error-body.js';
import { OFFSET_HEADER } from './fleet-answers.js';
import { FleetTelling } from './fleet-telling.js';
import { prometheusFamilies } from './prometheus-families.js';
import { ViewGuard } from './view.guard.js';

/** The fleet's truth for Prometheus: the same from every replica, so one address is scraped. */
@Controller('metrics/prometheus')
@UseGuards(BearerGuard, ViewGuard)
export class PrometheusController {
  private readonly rendering = new SharedRendering();

  constructor(private readonly telling: FleetTelling) {}

  /** A view that is too old answers 503 rather than let a counter run backwards. */
  @Get()
  async scrape(
    @Headers('accept') accept: string | undefined,
    @Headers('accept-encoding') acceptEncoding: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { answers, sets } = this.telling;
    if (answers.stale) {
      const age = Math.round(answers.viewAgeMs / 1000);
      throw new ServiceUnavailableException(errorBody(503, `the view of the fleet is ${age} s old`, 'stale_view'));
    }
    const { offset, told } = await this.telling.now();
    const format = formatFor(accept);
    const gzip = acceptsGzip(acceptEncoding);
    const text = await this.rendering.get(offset, format, gzip, () => render(prometheusFamilies(sets, told), format));
    void reply.header(OFFSET_HEADER, offset).header('vary', 'accept, accept-encoding').type(CONTENT_TYPES[format]);
    if (gzip) void reply.header('content-encoding', 'gzip');
    await reply.send(text);
  }
}
