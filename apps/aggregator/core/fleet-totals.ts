import { startOf, FINE_MS } from './buckets.js';
import { Figures } from './figures.js';
import type { OpenRequest } from './producer.js';
import type { PartitionState } from './partition-state.js';
import { emplace, type SeriesLabels } from './series.js';

/** Names the group that a series belongs to, or undefined to leave it out. */
export type GroupBy = (labels: SeriesLabels) => string | undefined;

/** Requests since the counters began, and those open now. */
export class Totals {
  readonly figures = new Figures();
  lost = 0;
  waiting = 0;
  running = 0;
  /** Requests known by later events whose `received` event has not come. */
  receivedMissing = 0;

  get total(): number {
    return this.figures.received + this.receivedMissing;
  }

  /** The conservation law. */
  get reconciled(): boolean {
    const { successful, failedTotal, cancelledTotal } = this.figures;
    return this.total === successful + failedTotal + cancelledTotal + this.lost + this.waiting + this.running;
  }

  addOpen(request: OpenRequest): void {
    if (!request.received) this.receivedMissing += 1;
    if (request.ended || request.lost) return;
    if (request.started) this.running += 1;
    else this.waiting += 1;
  }
}

/** Sums the totals of every series over all partitions. */
export function totalsBy(states: readonly PartitionState[], groupBy: GroupBy): Map<string, Totals> {
  const groups = new Map<string, Totals>();
  const groupOf = (labels: SeriesLabels): Totals | undefined => {
    const name = groupBy(labels);
    return name === undefined ? undefined : emplace(groups, name, () => new Totals());
  };
  for (const state of states) {
    for (const series of state.series.byId.values()) {
      const totals = groupOf(series.labels);
      if (!totals) continue;
      totals.figures.merge(series.figures);
      totals.lost += series.lost;
      totals.receivedMissing += series.receivedMissing;
    }
    for (const producer of state.producers.all()) {
      for (const request of producer.open.values()) groupOf(request.series.labels)?.addOpen(request);
    }
  }
  return groups;
}

/** A span of log time up to now. `fromMs` is the start of the first bucket in it. */
export interface Span {
  readonly fromMs: number;
  /** Length in seconds of what is counted: from `fromMs`, or from when the counters began, to now; never 0. */
  readonly seconds: number;
}

/** The span of a window of `windowMs` that ends at the fleet's log time, as whole buckets. */
export function spanOf(logTimeMs: number, firstTimeMs: number, windowMs: number): Span {
  const fromMs = startOf(logTimeMs - windowMs, FINE_MS);
  return { fromMs, seconds: Math.max(logTimeMs - Math.max(fromMs, firstTimeMs), 1000) / 1000 };
}

/** Sums the figures of every series over the fine buckets from `fromMs` on. */
export function figuresBy(states: readonly PartitionState[], fromMs: number, groupBy: GroupBy): Map<string, Figures> {
  const groups = new Map<string, Figures>();
  for (const state of states) {
    for (const [start, bucket] of state.buckets.fine) {
      if (start < fromMs) continue;
      for (const [id, figures] of bucket.figures) {
        const series = state.series.byId.get(id);
        const name = series && groupBy(series.labels);
        if (name !== undefined) emplace(groups, name, () => new Figures()).merge(figures);
      }
    }
  }
  return groups;
}

/** The greatest fleet-wide number of running requests in the buckets from `fromMs` on. Every partition saw the same heartbeats. */
export function peakSince(states: readonly PartitionState[], fromMs: number): number {
  let peak = 0;
  for (const state of states) {
    for (const [start, bucket] of state.buckets.fine) if (start >= fromMs) peak = Math.max(peak, bucket.peakRunning);
  }
  return peak;
}
