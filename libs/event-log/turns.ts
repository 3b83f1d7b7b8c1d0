/** Hands out turns of the event loop: one a turn, first come, first served, so that many busy consumers together still let it breathe. */
export class Turns {
  private readonly waiting: (() => void)[] = [];

  /** Resolves in a turn of the event loop that no other caller gets. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      if (this.waiting.length === 1) setImmediate(() => this.give());
    });
  }

  private give(): void {
    this.waiting.shift()?.();
    if (this.waiting.length > 0) setImmediate(() => this.give());
  }
}
