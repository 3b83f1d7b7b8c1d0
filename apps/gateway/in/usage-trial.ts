import type { AnswerHead } from '../core/answer-head.js';
import type { Call, FailureCause } from '../out/origin-pool.js';
import type { UpstreamHandler, UpstreamPlace } from '../out/upstreams.js';

/** Errors are short; a longer answer is none that is waited for. */
const MAX_HELD_BYTES = 65_536;
const COMPLAINT = /stream_options|include_usage/;

/** Sends one and the same request with this body. */
export type Send = (body: Buffer, handler: UpstreamHandler) => Call;

export interface UsageTrialOptions {
  readonly send: Send;
  /** With usage asked for in the client's place. */
  readonly asking: Buffer;
  /** As the client wrote it. */
  readonly plain: Buffer;
  /** The server does not know the question: the answer that follows is one to the plain body. */
  readonly refused: () => void;
  /** It is proved: the plain body was taken. */
  readonly proved: () => void;
}

/** Asks for usage and, if the server complains about just that, sends the request once more as the client wrote it. */
export class UsageTrial implements UpstreamHandler, Call {
  private call: Call;
  private isSecond = false;
  /** An answer that may be the complaint, until it is known to be or not. */
  private held: { readonly head: AnswerHead; readonly parts: Buffer[]; bytes: number } | undefined;

  constructor(
    private readonly options: UsageTrialOptions,
    private readonly handler: UpstreamHandler,
  ) {
    this.call = options.send(options.asking, this);
  }

  goesTo(upstream: UpstreamPlace): void {
    this.handler.goesTo?.(upstream);
  }

  sent(): void {
    this.handler.sent?.();
  }

  head(head: AnswerHead): void {
    const mayComplain = (head.status === 400 || head.status === 422) && !head.isEncoded;
    if (this.isSecond && head.status < 400) this.options.proved();
    if (mayComplain && !this.isSecond) this.held = { head, parts: [], bytes: 0 };
    else this.handler.head(head);
  }

  data(chunk: Buffer): boolean {
    if (!this.held) return this.handler.data(chunk);
    this.held.parts.push(chunk);
    this.held.bytes += chunk.length;
    return this.held.bytes <= MAX_HELD_BYTES || this.release();
  }

  end(): void {
    if (this.held && COMPLAINT.test(Buffer.concat(this.held.parts).toString())) return this.sendPlain();
    this.release();
    this.handler.end();
  }

  failed(cause: FailureCause, error?: unknown): void {
    // Of an answer that was held back the client has seen nothing yet.
    this.held = undefined;
    this.handler.failed(cause, error);
  }

  resume(): void {
    this.call.resume();
  }

  abort(): void {
    this.call.abort();
  }

  private sendPlain(): void {
    this.held = undefined;
    this.isSecond = true;
    this.options.refused();
    this.call = this.options.send(this.options.plain, this);
  }

  /** Hands over what was held back; answers whether more may come. */
  private release(): boolean {
    const { held } = this;
    this.held = undefined;
    if (!held) return true;
    this.handler.head(held.head);
    return held.parts.map((part) => this.handler.data(part)).every(Boolean);
  }
}
