import { Figures, type FiguresJson } from './figures.js';
import { emplace } from './series.js';

export const FINE_MS = 10_000;
export const FINE_KEPT_MS = 3_600_000;
export const COARSE_MS = 300_000;
export const COARSE_KEPT_MS = 86_400_000;

export interface BucketJson {
  readonly peakRunning: number;
  readonly figures: readonly (readonly [seriesId: string, figures: FiguresJson])[];
}

/** The figures of one span of event time, by series id. */
export class Bucket {
  /** Greatest fleet-wide number of running requests seen in it. */
  peakRunning = 0;
  changed = true;
  readonly figures = new Map<string, Figures>();

  of(seriesId: string): Figures {
    this.changed = true;
    return emplace(this.figures, seriesId, () => new Figures());
  }

  merge(other: Bucket): void {
    this.changed = true;
    this.peakRunning = Math.max(this.peakRunning, other.peakRunning);
    for (const [id, figures] of other.figures) this.of(id).merge(figures);
  }

  toJSON(): BucketJson {
    const figures = [...this.figures].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([id, one]) => [id, one.toJSON()] as const);
    return { peakRunning: this.peakRunning, figures };
  }

  static fromJSON(json: BucketJson): Bucket {
    const bucket = new Bucket();
    bucket.peakRunning = json.peakRunning;
    for (const [id, figures] of json.figures) bucket.figures.set(id, Figures.fromJSON(figures));
    bucket.changed = false;
    return bucket;
  }
}

/** Buckets of 10 s for an hour, then of 5 min for a day, by log time. Keys are start times in Unix ms. */
export class Buckets {
  readonly fine = new Map<number, Bucket>();
  readonly coarse = new Map<number, Bucket>();
  private fineFromMs = -Infinity;
  private coarseFromMs = -Infinity;

  /** The bucket that covers `timeMs`, or undefined if none is kept for it any more. */
  at(timeMs: number): Bucket | undefined {
    const fineStart = startOf(timeMs, FINE_MS);
    if (fineStart >= this.fineFromMs) return emplace(this.fine, fineStart, () => new Bucket());
    const coarseStart = startOf(timeMs, COARSE_MS);
    return coarseStart >= this.coarseFromMs ? emplace(this.coarse, coarseStart, () => new Bucket()) : undefined;
  }

  /** Moves fine buckets older than an hour into coarse ones, and drops coarse ones older than a day. */
  advance(logTimeMs: number): void {
    const fineFromMs = startOf(logTimeMs - FINE_KEPT_MS, FINE_MS);
    if (fineFromMs <= this.fineFromMs) return;
    this.fineFromMs = fineFromMs;
    this.coarseFromMs = startOf(logTimeMs - COARSE_KEPT_MS, COARSE_MS);
    for (const [start, bucket] of this.fine) if (start < fineFromMs) this.retire(start, bucket);
    for (const start of this.coarse.keys()) if (start < this.coarseFromMs) this.coarse.delete(start);
  }

  private retire(start: number, bucket: Bucket): void {
    this.fine.delete(start);
    const coarseStart = startOf(start, COARSE_MS);
    if (coarseStart >= this.coarseFromMs) emplace(this.coarse, coarseStart, () => new Bucket()).merge(bucket);
  }
}

export function startOf(timeMs: number, widthMs: number): number {
  return Math.floor(timeMs / widthMs) * widthMs;
}
