/** How much the last one counts against all before it. */
const WEIGHT = 1 / 16;
const MIN_SECONDS = 1;
const MAX_SECONDS = 300;

/** How long requests hold their place at the upstream, lately: what the wait for a place can be told from. */
export class ServiceTime {
  private meanMs: number | undefined;

  note(durationMs: number): void {
    this.meanMs = this.meanMs === undefined ? durationMs : this.meanMs + (durationMs - this.meanMs) * WEIGHT;
  }

  /**
   * In how many whole seconds it is worth to ask again: when all who wait have been served, at the rate at which `places` places
   * become free. From 1 to 300; 1 while nothing has been measured.
   */
  retryAfterSeconds(waiting: number, places: number): number {
    const seconds = Math.ceil(((this.meanMs ?? 0) * (waiting + 1)) / places / 1000);
    return Math.min(Math.max(seconds, MIN_SECONDS), MAX_SECONDS);
  }
}
