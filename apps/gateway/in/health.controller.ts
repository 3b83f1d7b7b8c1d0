import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Admission } from '../core/admission.js';
import { Upstream } from '../out/upstream.js';
import { GatewayStats } from './gateway-stats.js';
import { Inference } from './inference.js';

/** Health for people and orchestrators. Always open: it tells nothing of anybody's requests. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly inference: Inference,
    private readonly admission: Admission<unknown>,
    private readonly upstream: Upstream,
    private readonly stats: GatewayStats,
  ) {}

  @Get()
  async health(): Promise<object> {
    const { limits, waiting, running } = this.admission;
    return {
      status: this.inference.draining ? 'draining' : 'ok',
      limits: { max_concurrent_requests: limits.maxConcurrent, max_queue_size: limits.maxQueue },
      queue: { waiting, running },
      upstream: { reachable: await this.upstream.reachable() },
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
    if (!this.inference.draining) return { status: 'ok' };
    void reply.status(503);
    return { status: 'draining' };
  }
}
