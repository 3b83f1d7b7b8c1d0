import type { AnswerHead } from '../core/answer-head.js';
import type { AnswerHandler, Call, OriginTimeouts } from './origin-pool.js';

/** What carries a call: a connection, for as long as the call takes. */
export interface Carrier {
  /** Reads nothing more until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends the connection at once, and tells the call nothing more. */
  destroy(): void;
  /** The call hears `silent` when so many ms have passed; undefined for never. Replaces what was said before. */
  limit(ms: number | undefined): void;
}

/** One request as a connection drives it. Tells its handler each thing once, and nothing after the end. */
export class OriginCall implements Call {
  private carrier: Carrier | undefined;
  private isSent = false;
  private isOver = false;
  private hasBody = false;
  /** Bytes of the body that are still to come; undefined where the head does not say. */
  private remaining: number | undefined;

  constructor(
    private readonly handler: AnswerHandler,
    private readonly timeouts: OriginTimeouts,
  ) {}

  resume(): void {
    if (this.isOver) return;
    this.carrier?.limit(this.timeouts.idleMs);
    this.carrier?.resume();
  }

  abort(): void {
    const { carrier } = this;
    if (this.finish()) carrier?.destroy();
  }

  /** A connection is being made for it, or is there. */
  carriedBy(carrier: Carrier): void {
    this.carrier = carrier;
  }

  /** The request is written in the same turn. */
  sent(): void {
    this.isSent = true;
    this.carrier?.limit(this.timeouts.headersMs);
    this.guard(() => this.handler.sent?.());
  }

  head(head: AnswerHead): void {
    if (this.isOver) return;
    this.remaining = head.contentLength;
    this.guard(() => this.handler.head(head));
  }

  data(chunk: Buffer): void {
    if (this.isOver) return;
    if (this.remaining !== undefined) this.remaining -= chunk.length;
    // The end follows at once where this was the last of it: the clock that runs still will do.
    if (this.hasBody || this.remaining !== 0) this.carrier?.limit(this.timeouts.idleMs);
    this.hasBody = true;
    this.guard(() => {
      if (this.handler.data(chunk) || this.isOver) return;
      this.carrier?.pause();
      this.carrier?.limit(undefined);
    });
  }

  end(): void {
    if (this.finish()) this.guard(() => this.handler.end());
  }

  /** The connection could not be made, or has ended too early. */
  broke(error: Error): void {
    if (this.finish()) this.handler.failed(this.isSent ? 'broken' : 'unreachable', error);
  }

  /** The limit has passed. */
  silent(): void {
    if (this.isOver) return;
    this.abort();
    this.handler.failed(this.isSent ? 'timeout' : 'unreachable', new Error('the origin is silent'));
  }

  /** From now on its connection may be another call's. */
  private finish(): boolean {
    const isFirst = !this.isOver;
    this.isOver = true;
    this.carrier = undefined;
    return isFirst;
  }

  /** A mistake of our own must not be taken for one of the origin's. */
  private guard(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.abort();
      this.handler.failed('internal', error);
    }
  }
}
