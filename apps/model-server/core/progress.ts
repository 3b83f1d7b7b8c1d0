/**
 * Where one generation stands in its planned delays. Each due time is built on the due time before, not on the moment when somebody
 * looked, so that late timers do not add up; `slowdown` is asked at every step, so that load acts at once.
 */
export class Progress {
  private at = 0;
  private due: number;

  constructor(
    private readonly delaysMs: Float64Array,
    startMs: number,
    private readonly slowdown: () => number,
  ) {
    this.due = startMs + delaysMs[0]! * slowdown();
  }

  /** The step that comes next. */
  get step(): number {
    return this.at;
  }

  /** When it comes. */
  get dueMs(): number {
    return this.due;
  }

  get isLast(): boolean {
    return this.at === this.delaysMs.length - 1;
  }

  /** Goes on to the following step; not to be called at the last one. */
  advance(): void {
    this.at += 1;
    this.due += this.delaysMs[this.at]! * this.slowdown();
  }
}
