import { Controller, Get, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { modelNotFound } from '../core/api-error.js';
import { MAX_MODEL_LENGTH } from '../core/body.js';
import { createdSecondsOf } from '../core/plan.js';
import { digestOf } from '../core/random.js';
import { Engine } from './engine.js';
import { sendError } from './send-error.js';

/** The models served, as vLLM lists them. */
@Controller('v1/models')
export class ModelsController {
  constructor(private readonly engine: Engine) {}

  @Get()
  list(): object {
    return { object: 'list', data: this.engine.settings.modelNames.map((name) => this.card(name)) };
  }

  /** Names may hold slashes (`Qwen/Qwen3-8B`). */
  @Get('*')
  one(@Param('*') id: string, @Res() reply: FastifyReply): void {
    const { modelNames } = this.engine.settings;
    if (modelNames.includes(id)) void reply.send(this.card(id));
    else sendError(reply, modelNotFound(id, modelNames));
  }

  private card(id: string): object {
    const created = createdSecondsOf(digestOf(id, this.engine.settings.seed));
    return {
      id,
      object: 'model',
      created,
      owned_by: 'inferometer',
      root: id,
      parent: null,
      max_model_len: MAX_MODEL_LENGTH,
      permission: [],
    };
  }
}
