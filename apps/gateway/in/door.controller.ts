import { All, Controller, Get, NotFoundException, Req, Res } from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AGGREGATOR_UNREACHABLE } from '../core/errors.js';
import { isPlainPath } from '../core/paths.js';
import { Aggregator } from '../out/aggregator.js';
import { relay } from './relay.js';

const FORWARDED = ['accept', 'accept-language', 'authorization', 'content-type', 'if-none-match', 'last-event-id', 'user-agent'];

/** One door: the aggregator's page, API and Prometheus text under the gateway's address. Without an aggregator there are no such routes. */
@Controller()
export class DoorController {
  constructor(private readonly aggregator: Aggregator) {}

  @Get()
  page(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.pass(request, reply);
  }

  @All('api/v1/*')
  api(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.pass(request, reply);
  }

  @Get('metrics/prometheus')
  metrics(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.pass(request, reply);
  }

  private pass(request: FastifyRequest, reply: FastifyReply): void {
    const { pool } = this.aggregator;
    if (!pool || !isPlainPath(request.url)) throw new NotFoundException();
    relay(pool, request, reply, {
      headers: (requestId) => ['x-request-id', requestId, ...forwardedOf(request.headers)],
      unreachable: AGGREGATOR_UNREACHABLE,
    });
  }
}

function forwardedOf(headers: IncomingHttpHeaders): string[] {
  return FORWARDED.flatMap((name) => {
    const value = headers[name];
    return typeof value === 'string' ? [name, value] : [];
  });
}
