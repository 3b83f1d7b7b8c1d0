import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** When the request's head had come, by the monotonic clock, in ms. */
    arrivedAtMs: number;
  }
}

/** Notes the time of arrival on every request, before its body is read. */
@Injectable()
export class ArrivalClock implements OnModuleInit {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  onModuleInit(): void {
    const fastify = this.adapterHost.httpAdapter.getInstance<FastifyInstance>();
    fastify.decorateRequest('arrivedAtMs', 0);
    fastify.addHook('onRequest', (request, _reply, done) => {
      request.arrivedAtMs = performance.now();
      done();
    });
  }
}
