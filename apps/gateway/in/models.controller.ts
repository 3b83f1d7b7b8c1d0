import { Controller, Get, NotFoundException, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isPlainPath } from '../core/paths.js';
import { Upstreams } from '../out/upstreams.js';
import { relay } from './relay.js';

/** The upstream's list of models, passed through: no admission, no events. */
@Controller('v1/models')
export class ModelsController {
  constructor(private readonly upstreams: Upstreams) {}

  @Get()
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.pass(request, reply);
  }

  /** Model names may hold slashes. */
  @Get('*')
  one(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.pass(request, reply);
  }

  private pass(request: FastifyRequest, reply: FastifyReply): void {
    if (!isPlainPath(request.url)) throw new NotFoundException();
    relay(this.upstreams, request, reply, { headers: (requestId) => this.upstreams.headersFor(request.headers, requestId) });
  }
}
