/** A timer may come this much early by the clock that it is held against, in ms. */
const TIMER_GRAIN_MS = 1;

/**
 * A time limit that is set anew all the time. A timer for each would cost more than what it watches over, so there is one, which moves only if the
 * limit comes nearer, or when it has run out and the limit has not. It keeps no process alive.
 */
export class Deadline {
  private dueAtMs = Infinity;
  private timerAtMs = Infinity;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly onDue: () => void) {}

  /** `onDue` is called in `limitMs`, once, unless something else is said before. */
  set(limitMs: number): void {
    const nowMs = performance.now();
    this.dueAtMs = nowMs + limitMs;
    if (this.dueAtMs < this.timerAtMs) this.arm(nowMs);
  }

  /** There is no limit now. */
  clear(): void {
    this.dueAtMs = Infinity;
  }

  /** There will be none any more. */
  stop(): void {
    this.clear();
    clearTimeout(this.timer);
  }

  private arm(nowMs: number): void {
    clearTimeout(this.timer);
    this.timerAtMs = this.dueAtMs;
    this.timer = setTimeout(() => this.check(), this.dueAtMs - nowMs).unref();
  }

  private check(): void {
    this.timerAtMs = Infinity;
    if (this.dueAtMs === Infinity) return;
    const nowMs = performance.now();
    if (this.dueAtMs - nowMs >= TIMER_GRAIN_MS) return this.arm(nowMs);
    this.clear();
    this.onDue();
  }
}
