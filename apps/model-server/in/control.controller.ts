import { Controller, Delete, Get, HttpCode, Put, Req, Res } from '@nestjs/common';
import { hasBearerToken } from '#libs/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readBody } from '../core/body.js';
import { faultRule, NO_FAULT } from '../core/faults.js';
import { Engine } from './engine.js';
import { sendError } from './send-error.js';

/** Health, counters and faults on demand. With `API_TOKEN` set, the last two ask for it. */
@Controller()
export class ControlController {
  constructor(private readonly engine: Engine) {}

  /** As vLLM answers: 200 with an empty body. */
  @Get(['health', 'health/live', 'health/ready'])
  @HttpCode(200)
  health(): void {}

  @Get('stats')
  stats(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    if (this.admits(request, reply)) void reply.send(this.engine.stats());
  }

  @Get('faults')
  showFaults(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    if (this.admits(request, reply)) void reply.send(this.engine.faults.show());
  }

  @Put('faults')
  putFaults(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    if (!this.admits(request, reply)) return;
    const body = readBody('application/json', (request.body as Buffer | undefined) ?? Buffer.alloc(0));
    const rule = body.ok ? faultRule(body.value, this.engine.settings.modelNames) : body;
    if (!rule.ok) return sendError(reply, rule.error);
    this.engine.faults.arm(rule.value);
    void reply.send(this.engine.faults.show());
  }

  @Delete('faults')
  deleteFaults(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    if (!this.admits(request, reply)) return;
    this.engine.faults.arm(NO_FAULT);
    void reply.send(this.engine.faults.show());
  }

  private admits(request: FastifyRequest, reply: FastifyReply): boolean {
    if (hasBearerToken(request.headers.authorization, this.engine.settings.apiToken)) return true;
    sendError(reply, { status: 401, body: { error: 'Unauthorized' } });
    return false;
  }
}
