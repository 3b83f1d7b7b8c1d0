/** What can rest here. */
interface Connection {
  destroy(): void;
}

interface Resting<C> {
  readonly connection: C;
  readonly untilMs: number;
}

/** Connections that wait for their next request. The one that was used last is taken first, so that those that are not needed grow old and end. */
export class IdleConnections<C extends Connection> {
  private resting: Resting<C>[] = [];
  private sweep: NodeJS.Timeout | undefined;

  /** None rests for longer than `maxMs`. */
  constructor(private readonly maxMs: number) {}

  add(connection: C, keepAliveMs: number): void {
    this.resting.push({ connection, untilMs: performance.now() + Math.min(keepAliveMs, this.maxMs) });
    this.sweep ??= setTimeout(() => this.endOld(), this.maxMs).unref();
  }

  /** One that is still good, if there is any. */
  take(): C | undefined {
    if (this.resting.length === 0) return undefined;
    const nowMs = performance.now();
    for (let last = this.resting.pop(); last; last = this.resting.pop()) {
      if (last.untilMs > nowMs) return last.connection;
      last.connection.destroy();
    }
    return undefined;
  }

  remove(connection: C): void {
    const at = this.resting.findIndex((each) => each.connection === connection);
    if (at !== -1) this.resting.splice(at, 1);
  }

  stop(): void {
    clearTimeout(this.sweep);
  }

  private endOld(): void {
    const nowMs = performance.now();
    const old = this.resting.filter(({ untilMs }) => untilMs <= nowMs);
    this.resting = this.resting.filter(({ untilMs }) => untilMs > nowMs);
    for (const { connection } of old) connection.destroy();
    this.sweep = this.resting.length > 0 ? setTimeout(() => this.endOld(), this.maxMs).unref() : undefined;
  }
}
