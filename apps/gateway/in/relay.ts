import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { UPSTREAM_TIMEOUT, UPSTREAM_UNREACHABLE, type GatewayError } from '../core/errors.js';
import { answerHeaders } from '../core/headers.js';
import { clientRequestId } from '../core/request-id.js';
import type { AnswerHead } from '../core/answer-head.js';
import type { AnswerHandler, Call, FailureCause, OutgoingRequest } from '../out/origin-pool.js';
import { NodeAnswerStream } from './answer-stream.js';
import { ClientAnswer, type AnswerListener } from './client-answer.js';

const CLIENT_LIMITS = { stallMs: 60_000, bufferBytes: 65_536 };

/** What a relay adds to the request that it passes on. */
export interface RelayOptions {
  readonly headers: (requestId: string) => string[];
  readonly unreachable?: GatewayError;
}

/** Somebody who answers requests. */
interface Origin {
  send(request: OutgoingRequest, handler: AnswerHandler): Call;
}

/** Passes one request on and its answer back, both as they are: no admission, no events. */
export function relay(origin: Origin, request: FastifyRequest, reply: FastifyReply, options: RelayOptions): void {
  reply.hijack();
  new Relay(request, reply, options).start(origin);
}

class Relay implements AnswerHandler, AnswerListener {
  private readonly answer: ClientAnswer;
  private readonly requestId: string;
  private call: Call | undefined;
  private isOver = false;

  constructor(
    private readonly request: FastifyRequest,
    reply: FastifyReply,
    private readonly options: RelayOptions,
  ) {
    this.requestId = clientRequestId(request.headers['x-request-id']) ?? randomUUID();
    this.answer = new ClientAnswer(new NodeAnswerStream(reply.raw), CLIENT_LIMITS, this);
  }

  start(origin: Origin): void {
    const { method, url, body } = this.request;
    const headers = this.options.headers(this.requestId);
    this.call = origin.send({ method, path: url, headers, body: Buffer.isBuffer(body) ? body : undefined }, this);
  }

  head(head: AnswerHead): void {
    this.answer.head(head, answerHeaders(head.headers, { requestId: this.requestId, dropLength: false }), head.contentLength);
  }

  data(chunk: Buffer): boolean {
    this.answer.write(chunk);
    return !this.answer.full;
  }

  end(): void {
    this.isOver = true;
    this.answer.end();
  }

  failed(cause: FailureCause): void {
    this.isOver = true;
    if (this.answer.headSent) return this.answer.destroy();
    const unreachable = this.options.unreachable ?? UPSTREAM_UNREACHABLE;
    this.answer.fail(cause === 'timeout' ? UPSTREAM_TIMEOUT : unreachable, this.requestId);
  }

  drained(): void {
    this.call?.resume();
  }

  delivered(): void {}

  closed(): void {
    if (!this.isOver) this.call?.abort();
  }
}
