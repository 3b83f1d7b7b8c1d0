/** Somebody waits until the offsets `ends` have been reached, by partition. */
interface Goal<Offset> {
  readonly ends: Map<number, Offset>;
  readonly resolve: () => void;
  readonly reject: (cause: Error) => void;
}

/** Those who wait until a following has come so far, until it ends. */
export class Goals<Offset extends number | bigint> {
  private readonly positionOf: (partition: number) => Offset | undefined;
  private open: readonly Goal<Offset>[] = [];
  private cause: Error | undefined;

  /** `positionOf`: the offset after the records handled so far; undefined for a partition that is not read. */
  constructor(positionOf: (partition: number) => Offset | undefined) {
    this.positionOf = positionOf;
  }

  /** Why it has ended; undefined while it goes on. */
  get ended(): Error | undefined {
    return this.cause;
  }

  /** Resolves at the `meet` at which every partition is at its end; rejects if the following ends before, or has. */
  reach(ends: Iterable<readonly [partition: number, end: Offset]>): Promise<void> {
    if (this.cause) return Promise.reject(this.cause);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.open = [...this.open, { ends: new Map(ends), resolve, reject }];
    return promise;
  }

  /** What was waited for in a partition is gone: `end` is enough. */
  move(partition: number, end: Offset): void {
    for (const { ends } of this.open) if (ends.has(partition)) ends.set(partition, end);
  }

  /** To be called when positions have changed. */
  meet(): void {
    if (this.open.length === 0) return;
    const met = new Set(this.open.filter(({ ends }) => [...ends].every((end) => this.isReached(...end))));
    for (const { resolve } of met) resolve();
    this.open = this.open.filter((goal) => !met.has(goal));
  }

  /** The following is over: whoever waits is told the cause. Only the first one counts. */
  end(cause: Error): void {
    if (this.cause) return;
    this.cause = cause;
    for (const { reject } of this.open) reject(cause);
    this.open = [];
  }

  private isReached(partition: number, end: Offset): boolean {
    const position = this.positionOf(partition);
    return position !== undefined && position >= end;
  }
}
