import { FINE_MS, isRecent, MAX_AHEAD_MS, startOf } from './buckets.js';
import { Figures } from './figures.js';
import type { PartitionState } from './partition-state.js';
import { emplace, type SeriesLabels } from './series.js';

/** The spans whose sums are kept, in ms: each is a whole number of the one before. The longest window is an hour. */
const WIDTHS_MS = [FINE_MS, 60_000, 600_000] as const;
const LONGEST_WINDOW_MS = 3_600_000;

/** The fleet's figures within one span of event time. */
interface SpanSums {
  /** What it was summed from: as long as these are the same, so is the sum. */
  readonly sources: readonly unknown[];
  readonly bySeries: ReadonlyMap<string, Figures>;
  readonly peakRunning: number;
  /** Made when it is first asked for. */
  byModel?: ReadonlyMap<string, Figures>;
}

/** Names the group that a series belongs to, or undefined to leave it out. */
export type GroupBy = (labels: SeriesLabels) => string | undefined;

/** The figures of a window, by group. */
export interface WindowFigures {
  readonly groups: Map<string, Figures>;
  /** The greatest fleet-wide number of running requests: every partition saw the same heartbeats. */
  readonly peakRunning: number;
}

const byModel: GroupBy = ({ model }) => model;

/**
 * Sums the buckets of all partitions over windows that end now. The sums of spans within it are kept from one call to the next, so that
 * a call costs what has changed and not what there is.
 */
export class WindowSums {
  private readonly kept = WIDTHS_MS.map(() => new Map<number, SpanSums>());

  /** The figures by model from `fromMs` on, a multiple of 10 s. */
  byModel(states: readonly PartitionState[], fromMs: number): WindowFigures {
    const labels = labelsOf(states);
    return sumOf(this.spans(states, fromMs), (span) => (span.byModel ??= grouped(span.bySeries, labels, byModel)));
  }

  /** The same by any other grouping, which costs more. */
  by(states: readonly PartitionState[], fromMs: number, groupBy: GroupBy): WindowFigures {
    const labels = labelsOf(states);
    return sumOf(this.spans(states, fromMs), (span) => grouped(span.bySeries, labels, groupBy));
  }

  /** As few spans as possible that together cover everything from `fromMs` on. */
  private spans(states: readonly PartitionState[], fromMs: number): readonly SpanSums[] {
    const nowMs = Math.max(0, ...states.map(({ logTimeMs }) => logTimeMs));
    const endMs = startOf(nowMs + MAX_AHEAD_MS, FINE_MS) + FINE_MS;
    this.forget(nowMs - LONGEST_WINDOW_MS);
    const spans: SpanSums[] = [];
    for (let startMs = fromMs; startMs < endMs;) {
      const level = WIDTHS_MS.findLastIndex((widthMs) => startMs % widthMs === 0 && startMs + widthMs <= endMs);
      spans.push(this.span(states, level, startMs));
      startMs += WIDTHS_MS[level]!;
    }
    return spans;
  }

  private span(states: readonly PartitionState[], level: number, startMs: number): SpanSums {
    const sources = level === 0 ? stampsAt(states, startMs) : this.parts(states, level, startMs);
    const kept = this.kept[level]!.get(startMs);
    if (kept && areSame(sources, kept.sources)) return kept;
    const made = level === 0 ? sumOfBuckets(states, startMs, sources) : sumOfSpans(sources as readonly SpanSums[]);
    this.kept[level]!.set(startMs, made);
    return made;
  }

  /** The shorter spans that make up one of `level`. */
  private parts(states: readonly PartitionState[], level: number, startMs: number): readonly SpanSums[] {
    const widthMs = WIDTHS_MS[level - 1]!;
    const count = WIDTHS_MS[level]! / widthMs;
    return Array.from({ length: count }, (_unused, index) => this.span(states, level - 1, startMs + index * widthMs));
  }

  private forget(beforeMs: number): void {
    for (const [level, spans] of this.kept.entries()) {
      for (const startMs of spans.keys()) if (startMs + WIDTHS_MS[level]! < beforeMs) spans.delete(startMs);
    }
  }
}

function areSame(some: readonly unknown[], others: readonly unknown[]): boolean {
  return some.length === others.length && some.every((one, index) => one === others[index]);
}

function stampsAt(states: readonly PartitionState[], startMs: number): readonly unknown[] {
  return states.map(({ buckets }) => buckets.fine.get(startMs)?.stamp);
}

function sumOfBuckets(states: readonly PartitionState[], startMs: number, sources: readonly unknown[]): SpanSums {
  const bySeries = new Map<string, Figures>();
  let peakRunning = 0;
  for (const { buckets, logTimeMs } of states) {
    const bucket = buckets.fine.get(startMs);
    if (!bucket) continue;
    addTo(bySeries, bucket.figures);
    peakRunning = Math.max(peakRunning, bucket.peakRunning);
    if (!isRecent(startMs, logTimeMs)) bucket.rest();
  }
  return { sources, bySeries, peakRunning };
}

function sumOfSpans(spans: readonly SpanSums[]): SpanSums {
  const bySeries = new Map<string, Figures>();
  for (const span of spans) addTo(bySeries, span.bySeries);
  return { sources: spans, bySeries, peakRunning: Math.max(...spans.map(({ peakRunning }) => peakRunning)) };
}

function sumOf(spans: readonly SpanSums[], groupsOf: (span: SpanSums) => ReadonlyMap<string, Figures>): WindowFigures {
  const groups = new Map<string, Figures>();
  for (const span of spans) addTo(groups, groupsOf(span));
  return { groups, peakRunning: Math.max(0, ...spans.map(({ peakRunning }) => peakRunning)) };
}

/** A group of one series shares its figures: nothing may be added to them. */
function grouped(
  bySeries: ReadonlyMap<string, Figures>,
  labels: ReadonlyMap<string, SeriesLabels>,
  groupBy: GroupBy,
): ReadonlyMap<string, Figures> {
  const members = new Map<string, Figures[]>();
  for (const [id, figures] of bySeries) {
    const its = labels.get(id);
    const name = its && groupBy(its);
    if (name !== undefined) emplace(members, name, () => []).push(figures);
  }
  return new Map([...members].map(([name, all]) => [name, all.length === 1 ? all[0]! : mergedOf(all)]));
}

export function mergedOf(all: Iterable<Figures>): Figures {
  const sum = new Figures();
  for (const figures of all) sum.merge(figures);
  return sum;
}

function addTo(groups: Map<string, Figures>, added: ReadonlyMap<string, Figures>): void {
  for (const [name, figures] of added) emplace(groups, name, () => new Figures()).merge(figures);
}

/** A series has the same id, and the same labels, in every partition. */
function labelsOf(states: readonly PartitionState[]): ReadonlyMap<string, SeriesLabels> {
  const labels = new Map<string, SeriesLabels>();
  for (const { series } of states) for (const [id, { labels: its }] of series.byId) labels.set(id, its);
  return labels;
}
