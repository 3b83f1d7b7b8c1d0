import { Controller, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CHAT, EMBEDDINGS, MESSAGES, RESPONSES, TEXT_COMPLETION } from '../core/operations.js';
import { Inference } from './inference.js';

/** The routes that go through admission and have events. */
@Controller()
export class InferenceController {
  constructor(private readonly inference: Inference) {}

  @Post(CHAT.path)
  chat(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.inference.handle(CHAT, request, reply);
  }

  @Post(TEXT_COMPLETION.path)
  textCompletion(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.inference.handle(TEXT_COMPLETION, request, reply);
  }

  @Post(EMBEDDINGS.path)
  embeddings(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.inference.handle(EMBEDDINGS, request, reply);
  }

  @Post(RESPONSES.path)
  responses(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.inference.handle(RESPONSES, request, reply);
  }

  @Post(MESSAGES.path)
  messages(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.inference.handle(MESSAGES, request, reply);
  }
}
