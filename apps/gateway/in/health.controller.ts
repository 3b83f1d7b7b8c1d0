import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Admission } from '../core/admission.js';
import { Upstreams } from '../out/upstreams.js';
import { GatewayStats } from './gateway-stats.js';
import { Inference } from './inference.js';

/** Health for people and orchestrators. Always open: it tells nothing of anybody's requests. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly inference: Inference,
    private readonly admission: Admission<unknown>,
    private readonly upstreams: Upstreams,
    private readonly stats: GatewayStats,
  ) {}

  @Get()
  async health(): Promise<object> {
    const upstreams = await this.upstreams.reports();
    const { limits, waiting, running } = this.admission;
    return {
      status: this.inference.leaving ? 'draining' : 'ok',
      limits: { max_concurrent_requests: limits.maxConcurrent, max_queue_size: limits.maxQueue },
      queue: { waiting, running },
      upstream: { reachable: upstreams.some(({ reachable }) => reachable) },
      upstreams,
      event_log: this.stats.eventLog(),
    };
  }

  @Get('live')
  live(): object {
    return { status: 'ok' };
  }

  /** 503 as soon as the gateway drains, so that nobody sends it new requests. It serves without the event log as well. */
  @Get('ready')
  ready(@Res({ passthrough: true }) reply: FastifyReply): object {
    if (!this.inference.leaving) return { status: 'ok' };
    void reply.status(503);
    return { status: 'draining' };
  }
}
