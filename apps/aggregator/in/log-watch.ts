/** Where it is said. */
export interface WatchLogger {
  info(message: string): void;
  warn(message: string): void;
}

/** While the log is away it is said so once in this time. */
const SAY_EVERY_MS = 60_000;

/** Says that the event log has gone, at that moment and then once a minute, and that it is back. */
export class LogWatch {
  private goneAtMs: number | undefined;
  private saidAtMs = 0;

  constructor(private readonly logger: WatchLogger) {}

  /** To be called about once a second, with the time by a monotonic clock. */
  notice(isConnected: boolean, nowMs: number): void {
    if (isConnected) this.isBack(nowMs);
    else this.isAway(nowMs);
  }

  private isBack(nowMs: number): void {
    if (this.goneAtMs === undefined) return;
    this.logger.info(`the event log is back after ${secondsBetween(this.goneAtMs, nowMs)} s: reading and publishing go on`);
    this.goneAtMs = undefined;
  }

  private isAway(nowMs: number): void {
    if (this.goneAtMs !== undefined && nowMs - this.saidAtMs < SAY_EVERY_MS) return;
    this.goneAtMs ??= nowMs;
    this.saidAtMs = nowMs;
    const since = nowMs > this.goneAtMs ? ` since ${secondsBetween(this.goneAtMs, nowMs)} s` : '';
    this.logger.warn(`the event log is away${since}: nothing is read or published until it is back`);
  }
}

function secondsBetween(fromMs: number, toMs: number): number {
  return Math.round((toMs - fromMs) / 1000);
}
