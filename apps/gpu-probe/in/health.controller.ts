import { Controller, Get, Res } from '@nestjs/common';
import { Outbox } from '#libs/event-log';
import type { FastifyReply } from 'fastify';
import { ReadingLoop } from './reading-loop.js';

/** Health for people and orchestrators. Always open. A probe without a GPU is healthy: it says that it sees none. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly loop: ReadingLoop,
    private readonly outbox: Outbox,
  ) {}

  @Get()
  health(): object {
    const { devices, lastReadingMs, problem } = this.loop.state;
    return {
      status: 'ok',
      gpus: devices,
      reading_age_seconds: lastReadingMs === undefined ? null : Number(((performance.now() - lastReadingMs) / 1000).toFixed(1)),
      problem: problem ?? null,
      event_log: { connected: this.outbox.connected, queued: this.outbox.queued, dropped: this.outbox.dropped },
    };
  }

  @Get('live')
  live(): object {
    return { status: 'ok' };
  }

  /** 503 while readings cannot be stored. */
  @Get('ready')
  ready(@Res({ passthrough: true }) reply: FastifyReply): object {
    if (this.outbox.connected) return { status: 'ok' };
    void reply.status(503);
    return { status: 'event log unreachable' };
  }
}
