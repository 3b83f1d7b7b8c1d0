import type { AnswerHead } from '../core/answer-head.js';
import type { AnswerHandler, Call, FailureCause, OutgoingRequest } from './origin-pool.js';
import type { UpstreamHandler, Upstreams } from './upstreams.js';

/** One request to whichever upstream takes it. */
export class UpstreamCall implements AnswerHandler, Call {
  private index = -1;
  private call: Call | undefined;
  private isOver = false;
  private hasAnswer = false;
  private refusedBy: number[] | undefined;

  constructor(
    private readonly upstreams: Upstreams,
    private readonly request: OutgoingRequest,
    private readonly handler: UpstreamHandler,
  ) {}

  start(index: number): void {
    this.index = index;
    const upstream = this.upstreams.begin(index);
    this.handler.goesTo?.(upstream);
    try {
      this.call = upstream.pool.send(this.request, this);
    } catch (error) {
      this.finish();
      throw error;
    }
  }

  resume(): void {
    this.call?.resume();
  }

  abort(): void {
    if (this.isOver) return;
    this.finish();
    this.call?.abort();
  }

  sent(): void {
    this.handler.sent?.();
  }

  head(head: AnswerHead): void {
    this.hasAnswer = true;
    this.upstreams.answered(this.index);
    this.handler.head(head);
  }

  data(chunk: Buffer): boolean {
    return this.handler.data(chunk);
  }

  end(): void {
    this.finish();
    this.handler.end();
  }

  failed(cause: FailureCause, error?: unknown): void {
    if (this.isOver) return this.handler.failed(cause, error);
    // Not one byte went up.
    const isRefused = cause === 'unreachable';
    if (isRefused) this.upstreams.failed(this.index, 'refused');
    else if ((cause === 'broken' || cause === 'timeout') && !this.hasAnswer) this.upstreams.failed(this.index, 'no_answer');
    const another = isRefused ? this.anotherUpstream() : undefined;
    this.finish();
    if (another === undefined) return this.handler.failed(cause, error);
    this.isOver = false;
    this.start(another);
  }

  private anotherUpstream(): number | undefined {
    this.refusedBy ??= [];
    this.refusedBy.push(this.index);
    return this.upstreams.another(this.refusedBy);
  }

  private finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.upstreams.finish(this.index);
  }
}
