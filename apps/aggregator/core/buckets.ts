import { Bucket } from './bucket.js';
import { emplace } from './series.js';

export const FINE_MS = 10_000;
const FINE_KEPT_MS = 3_600_000;
const COARSE_MS = 300_000;
const COARSE_KEPT_MS = 86_400_000;
/** An event may claim to be this much younger than its record; beyond that its producer's clock is wrong. */
export const MAX_AHEAD_MS = 60_000;
/** Hardly anything is added to a bucket that is older than this. */
const REST_AFTER_MS = 60_000;

export type BucketKind = 'fine' | 'coarse';

/** Buckets of 10 s for an hour, then of 5 min for a day, by log time. Keys are start times in Unix ms. */
export class Buckets {
  readonly fine = new Map<number, Bucket>();
  readonly coarse = new Map<number, Bucket>();
  private logTimeMs = -Infinity;

  /** The bucket that covers `timeMs`, or undefined if none is kept for it any more. */
  at(timeMs: number): Bucket | undefined {
    const fineStart = startOf(timeMs, FINE_MS);
    if (isKept('fine', fineStart, this.logTimeMs)) return emplace(this.fine, fineStart, () => new Bucket());
    const coarseStart = startOf(timeMs, COARSE_MS);
    return isKept('coarse', coarseStart, this.logTimeMs) ? emplace(this.coarse, coarseStart, () => new Bucket()) : undefined;
  }

  /** Moves fine buckets older than an hour into coarse ones, and drops coarse ones older than a day; both after the log's clock was set back, too. */
  advance(logTimeMs: number): void {
    const isSameSpan = startOf(logTimeMs, FINE_MS) === startOf(this.logTimeMs, FINE_MS);
    this.logTimeMs = logTimeMs;
    if (isSameSpan) return;
    for (const [start, bucket] of this.fine) {
      if (!isKept('fine', start, logTimeMs)) this.retire(start, bucket);
      else if (!isRecent(start, logTimeMs)) bucket.rest();
    }
    for (const [start, bucket] of this.coarse) {
      if (isKept('coarse', start, logTimeMs)) bucket.rest();
      else this.coarse.delete(start);
    }
  }

  private retire(start: number, bucket: Bucket): void {
    this.fine.delete(start);
    const coarseStart = startOf(start, COARSE_MS);
    if (isKept('coarse', coarseStart, this.logTimeMs)) emplace(this.coarse, coarseStart, () => new Bucket()).merge(bucket);
  }
}

/** True if there may be such a bucket at `logTimeMs`. */
export function isKept(kind: BucketKind, start: number, logTimeMs: number): boolean {
  const fromMs = kind === 'fine' ? startOf(logTimeMs - FINE_KEPT_MS, FINE_MS) : startOf(logTimeMs - COARSE_KEPT_MS, COARSE_MS);
  return start >= fromMs && start <= logTimeMs + MAX_AHEAD_MS;
}

/** True if much may still be added to, or asked of, a fine bucket. */
export function isRecent(start: number, logTimeMs: number): boolean {
  return start >= logTimeMs - REST_AFTER_MS;
}

export function startOf(timeMs: number, widthMs: number): number {
  return Math.floor(timeMs / widthMs) * widthMs;
}
