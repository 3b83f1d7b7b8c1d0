import { Controller, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OPERATIONS, operationOf } from '../core/operations.js';
import { Inference } from './inference.js';

/** The routes that go through admission and have events. */
@Controller()
export class InferenceController {
  constructor(private readonly inference: Inference) {}

  @Post(OPERATIONS.map(({ path }) => path))
  infer(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    // The route's own spelling of the path, however the client has escaped it.
    this.inference.handle(operationOf('POST', request.routeOptions.url!)!, request, reply);
  }
}
