import { STATUS_CODES } from 'node:http';
import { errorBody, type GatewayError } from '../core/errors.js';
import type { Operation } from '../core/operations.js';
import type { AnswerHead } from '../core/answer-head.js';
import type { AnswerFate, AnswerStream } from './answer-stream.js';

/** What becomes of an answer, as its sender needs to know it. */
export interface AnswerListener {
  /** The client takes more again. */
  drained(): void;
  /** The last byte has been handed to the system. */
  delivered(): void;
  /** The connection is closed; may come after `delivered`, too. */
  closed(): void;
}

/** How much patience there is with a client that does not take its answer. */
export interface ClientLimits {
  /** How long it may leave it unread, then it is disconnected. */
  readonly stallMs: number;
  /** How much of it is held for the client before the sender is told to wait. */
  readonly bufferBytes: number;
}

/** The client's side of a proxied request. */
export class ClientAnswer implements AnswerFate {
  private hasBody = false;
  private remaining: number | undefined;
  private stall: NodeJS.Timeout | undefined;

  constructor(
    private readonly stream: AnswerStream,
    private readonly limits: ClientLimits,
    private readonly listener: AnswerListener,
  ) {
    stream.attach(this);
  }

  get headSent(): boolean {
    return this.stream.headSent;
  }

  /** `headers` are the client's, names and values in turn. `contentLength` is given where the body passes as it is. */
  head({ status, statusText }: AnswerHead, headers: string[], contentLength: number | undefined): void {
    this.remaining = this.stream.isHeadOnly ? undefined : contentLength;
    // A client that has no upstream date of its own needs none of ours.
    this.stream.head({ status, statusText, headers, isDated: false });
    // Mostly the first bytes of the body came along and take the head with them.
    process.nextTick(() => {
      if (!this.hasBody && !this.stream.isDestroyed) this.stream.flushHead();
    });
  }

  /** True while the client should be given time; `drained` tells when to go on. */
  get full(): boolean {
    return this.stream.needsDrain && this.stream.backlog >= this.limits.bufferBytes;
  }

  /** Bytes that the system has not taken yet. */
  get backlog(): number {
    return this.stream.backlog;
  }

  write(chunk: Buffer): void {
    this.hasBody = true;
    if (this.remaining !== undefined) this.remaining -= chunk.length;
    if (this.remaining !== undefined && this.remaining <= 0) this.stream.end(chunk);
    else if (!this.stream.write(chunk) && this.stall === undefined) this.limitStall();
  }

  /** The body is complete. */
  end(): void {
    this.hasBody = true;
    if (!this.stream.isEnded) this.stream.end();
    this.limitStall();
  }

  /** Cuts the connection, so that nobody takes the answer for a whole one. */
  destroy(): void {
    this.stream.destroy();
  }

  /** Answers with an error of the gateway's own. */
  fail(error: GatewayError, requestId: string, options: { readonly operation?: Operation; readonly close?: boolean } = {}): void {
    const body = Buffer.from(errorBody(error, options.operation));
    const headers = ['content-type', 'application/json; charset=utf-8', 'content-length', String(body.length), 'x-request-id', requestId];
    if (error.retryAfterSeconds !== undefined) headers.push('retry-after', String(error.retryAfterSeconds));
    if (options.close) headers.push('connection', 'close');
    this.stream.head({ status: error.status, statusText: STATUS_CODES[error.status] ?? '', headers, isDated: true });
    this.stream.end(body);
    this.limitStall();
  }

  drained(): void {
    clearTimeout(this.stall);
    this.stall = undefined;
    this.listener.drained();
  }

  finished(): void {
    clearTimeout(this.stall);
    this.listener.delivered();
  }

  closed(): void {
    clearTimeout(this.stall);
    this.listener.closed();
  }

  /** Mostly the system has taken every byte at once, and there is nothing to wait for. */
  private limitStall(): void {
    clearTimeout(this.stall);
    if (this.stream.backlog === 0) return;
    this.stall = setTimeout(() => this.stream.destroy(), this.limits.stallMs);
  }
}
