import { Controller, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Checked } from '../core/api-error.js';
import { readBody, type Fields } from '../core/body.js';
import { embeddingsRequest } from '../core/embeddings.js';
import { faultOfText, type Fault } from '../core/faults.js';
import { generationRequest, type Operation } from '../core/generation-request.js';
import { Engine } from './engine.js';
import { sendError } from './send-error.js';

/** A request says in this header, or in this field of its `metadata`, which fault shall strike it. */
const FAULT_FIELD = 'x-fault';

interface Checks<T> {
  readonly request: T;
  readonly fault: Fault;
}

/** The inference routes. */
@Controller('v1')
export class InferenceController {
  constructor(private readonly engine: Engine) {}

  @Post('chat/completions')
  chat(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.generate('chat', request, reply);
  }

  @Post('completions')
  completions(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.generate('text_completion', request, reply);
  }

  @Post('embeddings')
  embeddings(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const checks = this.check(request, reply, (fields) => embeddingsRequest(fields, this.engine.settings.modelNames));
    if (!checks) return;
    reply.hijack();
    this.engine.embed(checks.request, checks.fault, reply.raw);
  }

  private generate(operation: Operation, request: FastifyRequest, reply: FastifyReply): void {
    const checks = this.check(request, reply, (fields) => generationRequest(operation, fields, this.engine.settings.modelNames));
    if (!checks) return;
    const requestId = request.headers['x-request-id'];
    reply.hijack();
    this.engine.generate(checks.request, typeof requestId === 'string' ? requestId : undefined, checks.fault, reply.raw);
  }

  /** Answers a request that is not in order, and returns undefined. */
  private check<T extends { readonly model: string }>(
    request: FastifyRequest,
    reply: FastifyReply,
    read: (fields: Fields) => Checked<T>,
  ): Checks<T> | undefined {
    const body = readBody(request.headers['content-type'], (request.body as Buffer | undefined) ?? Buffer.alloc(0));
    if (!body.ok) return sendError(reply, body.error);
    const checked = read(body.value);
    if (!checked.ok) return sendError(reply, checked.error);
    const own = ownFault(request, body.value);
    if (own?.ok === false) return sendError(reply, own.error);
    return { request: checked.value, fault: own?.value ?? this.engine.faults.next(checked.value.model) };
  }
}

/** The header goes first; the metadata pass through proxies that keep unknown headers to themselves. */
function ownFault(request: FastifyRequest, fields: Fields): Checked<Fault> | undefined {
  const header = request.headers[FAULT_FIELD];
  if (typeof header === 'string') return faultOfText(header);
  const metadata = fields['metadata'];
  const text = typeof metadata === 'object' && metadata !== null ? (metadata as Fields)[FAULT_FIELD] : undefined;
  return typeof text === 'string' ? faultOfText(text) : undefined;
}
