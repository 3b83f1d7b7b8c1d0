import type { ServerResponse } from 'node:http';
import { errorBody, type GatewayError } from '../core/errors.js';
import type { Operation } from '../core/operations.js';
import type { AnswerHead } from '../core/answer-head.js';
import { withCorsHeaders } from './cors.js';

/** What becomes of an answer, as its sender needs to know it. */
export interface AnswerListener {
  /** The client takes more again. */
  drained(): void;
  /** The last byte has been handed to the system. */
  delivered(): void;
  /** The connection is closed; comes after `delivered` too. */
  closed(): void;
}

/** How much patience there is with a client that does not take its answer. */
export interface ClientLimits {
  /** How long it may leave it unread, then it is disconnected. */
  readonly stallMs: number;
  /** How much of it is held for the client before the sender is told to wait. */
  readonly bufferBytes: number;
}

/** Longer bodies are not worth the copy. */
const MAX_JOINED_BYTES = 8_192;

/** The client's side of a proxied request. */
export class ClientAnswer {
  private hasBody = false;
  private remaining: number | undefined;
  private stall: NodeJS.Timeout | undefined;

  constructor(
    private readonly raw: ServerResponse,
    private readonly limits: ClientLimits,
    private readonly listener: AnswerListener,
  ) {
    // A client that has no upstream date of its own needs none of ours.
    raw.sendDate = false;
    // Both come once; `once` would only cost a wrapper for each request.
    raw.on('finish', () => listener.delivered());
    raw.on('close', () => {
      clearTimeout(this.stall);
      listener.closed();
    });
    // 'close' follows; without a listener the process would end.
    raw.on('error', () => {});
  }

  get headSent(): boolean {
    return this.raw.headersSent;
  }

  /** `headers` are the client's, names and values in turn. `contentLength` is given where the body passes as it is. */
  head({ status, statusText }: AnswerHead, headers: string[], contentLength: number | undefined): void {
    this.remaining = this.raw.req.method === 'HEAD' ? undefined : contentLength;
    this.raw.writeHead(status, statusText, withCorsHeaders(this.raw, headers));
    // Mostly the first bytes of the body came along and take the head with them.
    process.nextTick(() => {
      if (!this.hasBody && !this.raw.destroyed) this.raw.flushHeaders();
    });
  }

  /** True while the client should be given time; `drained` tells when to go on. */
  get full(): boolean {
    return this.raw.writableNeedDrain && this.raw.writableLength >= this.limits.bufferBytes;
  }

  /** Bytes that the system has not taken yet. */
  get backlog(): number {
    return this.raw.writableLength;
  }

  write(chunk: Buffer): void {
    this.hasBody = true;
    if (this.remaining !== undefined) this.remaining -= chunk.length;
    if (this.remaining !== undefined && this.remaining <= 0) this.endWith(chunk);
    else if (!this.raw.write(chunk)) this.awaitDrain();
  }

  /** As text, each of whose units is a byte, what is short joins the head in one write; as bytes the two would be gathered. */
  private endWith(chunk: Buffer): void {
    if (chunk.length <= MAX_JOINED_BYTES) this.raw.end(chunk.toString('latin1'), 'latin1');
    else this.raw.end(chunk);
  }

  /** The body is complete. */
  end(): void {
    this.hasBody = true;
    if (!this.raw.writableEnded) this.raw.end();
    this.limitStall();
  }

  /** Cuts the connection, so that nobody takes the answer for a whole one. */
  destroy(): void {
    this.raw.destroy();
  }

  /** Answers with an error of the gateway's own. */
  fail(error: GatewayError, requestId: string, options: { readonly operation?: Operation; readonly close?: boolean } = {}): void {
    const body = errorBody(error, options.operation);
    this.raw.sendDate = true;
    this.raw.writeHead(error.status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'x-request-id': requestId,
      ...(error.retryAfterSeconds !== undefined && { 'retry-after': String(error.retryAfterSeconds) }),
      ...(options.close && { connection: 'close' }),
    });
    this.raw.end(body);
    this.limitStall();
  }

  private awaitDrain(): void {
    if (this.stall !== undefined) return;
    this.limitStall();
    this.raw.once('drain', () => {
      clearTimeout(this.stall);
      this.stall = undefined;
      this.listener.drained();
    });
  }

  /** Mostly the system has taken every byte at once, and there is nothing to wait for. */
  private limitStall(): void {
    clearTimeout(this.stall);
    if (this.raw.writableLength === 0) return;
    this.stall = setTimeout(() => this.raw.destroy(), this.limits.stallMs);
  }
}
