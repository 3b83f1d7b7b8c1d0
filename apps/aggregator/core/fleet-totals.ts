import { startOf, FINE_MS } from './buckets.js';
import { Counts } from './counts.js';
import { Figures } from './figures.js';
import type { FleetClock } from './fleet-gauges.js';
import type { OpenRequest } from './producer.js';
import type { PartitionState } from './partition-state.js';
import { emplace, type Series } from './series.js';
import type { GroupBy } from './window-sums.js';

/** Requests since the counters began, and those open now. */
export class Totals {
  readonly counts = new Counts();
  lost = 0;
  waiting = 0;
  running = 0;
  /** Requests known by later events whose `received` event has not come. */
  receivedMissing = 0;

  get total(): number {
    return this.counts.received + this.receivedMissing;
  }

  /** The conservation law. */
  get reconciled(): boolean {
    const { successful, failedTotal, cancelledTotal } = this.counts;
    return this.total === successful + failedTotal + cancelledTotal + this.lost + this.waiting + this.running;
  }

  addSeries({ figures, lost, receivedMissing }: Series): void {
    this.counts.addCounts(figures);
    this.lost += lost;
    this.receivedMissing += receivedMissing;
  }

  addOpen({ receivedAt, endedAt, started, lost }: OpenRequest): void {
    if (receivedAt === 0) this.receivedMissing += 1;
    if (endedAt > 0 || lost) return;
    if (started) this.running += 1;
    else this.waiting += 1;
  }

  add(other: Totals): void {
    this.counts.addCounts(other.counts);
    this.lost += other.lost;
    this.waiting += other.waiting;
    this.running += other.running;
    this.receivedMissing += other.receivedMissing;
  }
}

/** Sums the totals of every series over all partitions. */
export function totalsBy(states: readonly PartitionState[], groupBy: GroupBy): Map<string, Totals> {
  const groups = new Map<string, Totals>();
  const groupOf = ({ labels }: Series): Totals | undefined => {
    const name = groupBy(labels);
    return name === undefined ? undefined : emplace(groups, name, () => new Totals());
  };
  for (const state of states) {
    for (const series of state.series.byId.values()) groupOf(series)?.addSeries(series);
    for (const producer of state.producers.all()) {
      for (const request of producer.open.values()) groupOf(request.series)?.addOpen(request);
    }
  }
  return groups;
}

/** Sums the figures since the counters began of every series over all partitions. */
export function allTimeBy(states: readonly PartitionState[], groupBy: GroupBy): Map<string, Figures> {
  const groups = new Map<string, Figures>();
  for (const { series } of states) {
    for (const { labels, figures } of series.byId.values()) {
      const name = groupBy(labels);
      if (name !== undefined) emplace(groups, name, () => new Figures()).merge(figures);
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

/** The span of a window of `windowMs` that ends at the fleet's log time, as whole buckets; Infinity: all that there is. */
export function spanOf({ logTimeMs, firstTimeMs }: FleetClock, windowMs: number): Span {
  const fromMs = startOf(logTimeMs - windowMs, FINE_MS);
  return { fromMs, seconds: Math.max(logTimeMs - Math.max(fromMs, firstTimeMs), 1000) / 1000 };
}
