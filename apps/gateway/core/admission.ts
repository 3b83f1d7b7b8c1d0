export type Entry = 'admitted' | 'queued' | 'refused';

export interface AdmissionLimits {
  readonly maxConcurrent: number;
  readonly maxQueue: number;
}

/**
 * Lets at most `maxConcurrent` in at a time; the next `maxQueue` wait, first come, first served.
 * It keeps no time: whoever waits too long leaves by itself.
 */
export class Admission<T> {
  private inside = 0;
  private peak = 0;
  private recentPeak = 0;
  private readonly queue: T[] = [];

  constructor(readonly limits: AdmissionLimits) {}

  get running(): number {
    return this.inside;
  }

  get waiting(): number {
    return this.queue.length;
  }

  /** The greatest `running` so far. */
  get peakRunning(): number {
    return this.peak;
  }

  /** The greatest `running` since this was last asked. */
  takeRecentPeak(): number {
    const taken = this.recentPeak;
    this.recentPeak = this.inside;
    return taken;
  }

  enter(guest: T): Entry {
    if (this.inside < this.limits.maxConcurrent) {
      this.admit();
      return 'admitted';
    }
    if (this.queue.length >= this.limits.maxQueue) return 'refused';
    this.queue.push(guest);
    return 'queued';
  }

  /** Gives up a place in the queue, which is free at once; one that does not wait has none to give up. */
  leaveQueue(guest: T): void {
    const at = this.queue.indexOf(guest);
    if (at !== -1) this.queue.splice(at, 1);
  }

  /** Gives back the place of one that was admitted. Answers who takes it over: that one is admitted from now on. */
  release(): T | undefined {
    this.inside -= 1;
    if (this.queue.length === 0 || this.inside >= this.limits.maxConcurrent) return undefined;
    this.admit();
    return this.queue.shift();
  }

  private admit(): void {
    this.inside += 1;
    this.peak = Math.max(this.peak, this.inside);
    this.recentPeak = Math.max(this.recentPeak, this.inside);
  }
}
