import { ENGINE_DEAD } from '../core/api-error.js';
import type { Fault } from '../core/faults.js';
import type { Progress } from '../core/progress.js';
import type { Exchange } from './exchange.js';
import type { Paced, Pacer } from './pacer.js';
import { GARBAGE } from './stream-answer.js';

/** Nobody sees the single tokens of a plain answer: they are counted off in slices of this length. */
const SLICE_MS = 50;

/** Answers with one JSON body when all of its tokens would be there, and lets its fault strike then. */
export class PlainAnswer implements Paced {
  constructor(
    private readonly exchange: Exchange,
    private readonly body: () => object,
    private readonly progress: Progress,
    private readonly pacer: Pacer,
    private readonly fault: Fault,
  ) {}

  start(): void {
    this.pacer.start(this, this.progress.dueMs);
  }

  run(nowMs: number): number | undefined {
    if (this.exchange.isOver) return undefined;
    while (!this.progress.isLast && this.progress.dueMs <= nowMs + SLICE_MS) this.progress.advance();
    if (this.progress.dueMs > nowMs) return this.progress.dueMs;
    this.answer();
    return undefined;
  }

  private answer(): void {
    const { fault } = this.fault;
    if (fault === 'error_frame') return sendJson(this.exchange, ENGINE_DEAD.status, ENGINE_DEAD.body, 'faulted');
    const bytes = fault === 'garbage' ? GARBAGE : Buffer.from(JSON.stringify(this.body()));
    this.exchange.openJson(200, bytes.length);
    const half = bytes.subarray(0, bytes.length >> 1);
    if (fault === 'hang') this.exchange.hang(half);
    else if (fault === 'reset') this.exchange.reset(half);
    else if (fault === 'truncate') this.exchange.cut(half);
    else this.exchange.end(bytes, fault === 'garbage' ? 'faulted' : 'finished');
  }
}

/** A whole JSON answer at once. */
export function sendJson(
  exchange: Exchange,
  status: number,
  body: object,
  outcome: 'finished' | 'faulted',
  headers: Readonly<Record<string, string>> = {},
): void {
  const bytes = Buffer.from(JSON.stringify(body));
  exchange.openJson(status, bytes.length, headers);
  exchange.end(bytes, outcome);
}
