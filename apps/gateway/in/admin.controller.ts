import { Controller, Delete, Get, Headers, Put, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { badLimits, NO_SUCH_REQUEST } from '../core/errors.js';
import { AdminToken } from './admin-token.js';
import { Inference } from './inference.js';
import { Limits } from './limits.js';
import { Refusal } from './refusal.js';

/** What an operator may see and do while the gateway runs. Every route needs the token, and is shut without one. */
@Controller('admin')
export class AdminController {
  constructor(
    private readonly token: AdminToken,
    private readonly inference: Inference,
    private readonly limits: Limits,
  ) {}

  @Get('requests')
  requests(@Headers('authorization') authorization: string | undefined): object {
    this.token.check(authorization);
    return { requests: this.inference.openRequests() };
  }

  /** Ids of clients may hold slashes. Answers how the request stood. */
  @Delete('requests/*')
  cancel(@Headers('authorization') authorization: string | undefined, @Req() request: FastifyRequest): object {
    this.token.check(authorization);
    const cancelled = this.inference.cancel((request.params as { readonly '*': string })['*']);
    if (!cancelled) throw new Refusal(NO_SUCH_REQUEST);
    return cancelled;
  }

  @Get('limits')
  readLimits(@Headers('authorization') authorization: string | undefined): object {
    this.token.check(authorization);
    return this.limits.document();
  }

  /** Changes the limits that the body names, until the next start or SIGHUP. Answers all of them. */
  @Put('limits')
  changeLimits(@Headers('authorization') authorization: string | undefined, @Req() request: FastifyRequest): object {
    this.token.check(authorization);
    const problem = this.limits.change(Buffer.isBuffer(request.body) ? request.body.toString() : '');
    if (problem !== undefined) throw new Refusal(badLimits(problem));
    return this.limits.document();
  }
}
