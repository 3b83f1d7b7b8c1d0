import { DueQueue } from '../core/due-queue.js';

/** Something that has work to do at known times. */
export interface Paced {
  /** Does what is due by `nowMs`. Answers when to be called next, or undefined when somebody else will say. Must not throw. */
  run(nowMs: number): number | undefined;
}

/** Timers count whole milliseconds: what is due within half of one is due now. */
const TOLERANCE_MS = 0.5;

/** Calls any number of paced things at their times with a single timer. Times are those of `performance.now()`. */
export class Pacer {
  private readonly queue = new DueQueue<Paced>();
  private cancelTimer: (() => void) | undefined;
  private timerDueMs = Infinity;

  /** Runs `paced` at `dueMs`: at once, before this returns, if that is now or past. */
  start(paced: Paced, dueMs: number): void {
    const now = performance.now();
    const next = dueMs <= now ? paced.run(now) : dueMs;
    if (next !== undefined) this.queue.push(paced, next);
    this.arm();
  }

  /** Forgets everything that waits. */
  close(): void {
    this.cancelTimer?.();
    this.timerDueMs = -Infinity;
  }

  private tick(): void {
    this.cancelTimer = undefined;
    this.timerDueMs = Infinity;
    const now = performance.now() + TOLERANCE_MS;
    // All of them before any runs: one that is always due would keep the others waiting for ever.
    const due: Paced[] = [];
    for (let paced = this.queue.popDue(now); paced; paced = this.queue.popDue(now)) due.push(paced);
    for (const paced of due) {
      const next = paced.run(now);
      if (next !== undefined) this.queue.push(paced, next);
    }
    this.arm();
  }

  private arm(): void {
    const due = this.queue.earliestMs;
    if (due >= this.timerDueMs) return;
    this.cancelTimer?.();
    this.timerDueMs = due;
    this.cancelTimer = due === Infinity ? undefined : later(due - performance.now(), () => this.tick());
  }
}

/** A timer, or the next turn of the loop for what is due already. */
function later(delayMs: number, callback: () => void): () => void {
  if (delayMs <= TOLERANCE_MS) {
    const immediate = setImmediate(callback);
    return () => clearImmediate(immediate);
  }
  const timeout = setTimeout(callback, Math.max(1, Math.round(delayMs)));
  return () => clearTimeout(timeout);
}
