import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERROR_TYPES, EventSource, PER_TOKEN_EDGES_SECONDS } from '#libs/contracts';
import { START_MS, STREAMED_CHAT } from '../../../test/support/traffic.js';
import type { Exemplar } from './exemplar.js';
import { HISTOGRAM_EDGES, Histogram, Histograms, type HistogramName } from './histograms.js';
import { measure, reachedUpstream } from './measure.js';
import { Series } from './series.js';

const source = new EventSource('/gateways/gw', 'boot');
const completed = (data: Partial<typeof STREAMED_CHAT> = {}) =>
  source.stamp('io.inferometer.request.completed.v1', 0, 'r', { ...STREAMED_CHAT, ...data }, START_MS);

const failed = (error_type: 'queue_full' | 'upstream_error') =>
  source.stamp('io.inferometer.request.failed.v1', 0, 'r', { ...STREAMED_CHAT, error_type }, START_MS);

/** Count and sum of every histogram that is not empty. */
function sumsOf(histograms: Histograms): Partial<Record<HistogramName, readonly [count: number, sum: number]>> {
  const sums: Partial<Record<HistogramName, readonly [number, number]>> = {};
  for (const name of Object.keys(HISTOGRAM_EDGES) as HistogramName[]) {
    const { count, sum } = histograms.of(name);
    if (count > 0) sums[name] = [count, sum];
  }
  return sums;
}

describe('the histograms of a series', () => {
  it('hold each quantity of a streamed request, in seconds and tokens', () => {
    const histograms = new Histograms();
    histograms.addAsked(64, 1);
    histograms.addEnded(completed());
    expect(sumsOf(histograms)).toEqual({
      ttft: [1, 0.4],
      latency: [1, 2.5],
      queue: [1, 0.1],
      prefill: [1, expect.closeTo(0.3, 9)],
      decode: [1, 2],
      inference: [1, 2.4],
      interToken: [3, 2],
      timePerOutputToken: [1, 0.2],
      inputTokens: [1, 7],
      outputTokens: [1, 11],
      maxTokens: [1, 64],
      n: [1, 1],
    });
    expect(histograms.of('interToken').cells.slice(0, 4)).toEqual([1, 0, 2, 0]);
    expect(histograms.of('interToken').cells).toHaveLength(PER_TOKEN_EDGES_SECONDS.length + 1);
  });

  it('hold no TTFT of one that is not streamed, and no time per token of a single token', () => {
    const histograms = new Histograms();
    histograms.addEnded(completed({ stream: false }));
    histograms.addEnded(completed({ output_tokens: 1 }));
    expect([histograms.of('ttft').count, histograms.of('timePerOutputToken').count, histograms.of('latency').count]).toEqual([1, 1, 2]);
  });

  it('count what reached the upstream, however it ended, and nothing that was rejected', () => {
    const series = new Series({ operation: 'chat', model: 'm', tenant: '' });
    for (const event of [completed(), failed('upstream_error'), failed('queue_full')]) {
      series.addEnded(event, measure(event), { receivedAt: 1, engine: 0, maxTokens: -1, n: 2, reached: reachedUpstream(event) });
    }
    const { histograms, finished } = series.engine(0);
    expect(['latency', 'n', 'maxTokens'].map((name) => histograms.of(name as HistogramName).count)).toEqual([2, 2, 0]);
    expect(finished).toEqual([1, 0, 0, 1, 0]);
    expect(series.ended.duration.count).toBe(1);
    expect(Array.from(series.ended.failed, (durations) => durations?.count ?? 0)).toEqual(
      ERROR_TYPES.slice(0, series.ended.failed.length).map((type) => Number(type === 'upstream_error' || type === 'queue_full')),
    );
    expect([series.figures.successful, series.figures.failedTotal]).toEqual([1, 2]);
  });
});

interface Seen {
  readonly value: number;
  readonly id: string;
  readonly timestampMs: number;
}

function observed(all: readonly Seen[]): Histogram {
  const histogram = new Histogram([1, 2, 3]);
  for (const { value, ...trace } of all) histogram.observe(value, trace);
  return histogram;
}

function merged(into: Histogram, other: Histogram): Histogram {
  into.merge(other);
  return into;
}

function shownBy({ edges, exemplars }: Histogram): readonly (Exemplar | undefined)[] {
  return [...edges, Infinity].map((_edge, cell) => exemplars[cell]);
}

describe('a histogram', () => {
  it('counts a value at an edge below it, and what is beyond the last edge in the last cell', () => {
    const histogram = new Histogram([1, 2]);
    for (const value of [0, 1, 1.5, 2, 2.5]) histogram.observe(value);
    expect([histogram.cells, histogram.count, histogram.sum]).toEqual([[2, 2, 1], 5, 7]);
  });

  it('is the same after it was written down, and merges cell by cell', () => {
    const [one, other] = [new Histogram([1, 2]), new Histogram([1, 2])];
    one.observe(0.5);
    other.observe(1.5);
    const read = new Histogram([1, 2], one.toJSON());
    read.merge(other);
    expect([read.cells, read.sum]).toEqual([[1, 1, 0], 2]);
  });

  it('shows of each cell the newest observation that names its trace', () => {
    const histogram = new Histogram([1, 2]);
    for (const [value, id, timestampMs] of [
      [1.5, 'a', 5],
      [2, 'b', 6],
      [1.1, 'late', 4],
      [3, 'c', 1],
    ] as const)
      histogram.observe(value, { id, timestampMs });
    histogram.observe(0.5);
    histogram.observe(4);
    expect([...histogram.exemplars]).toEqual([
      undefined,
      { traceId: 'b', value: 2, timestampMs: 6 },
      { traceId: 'c', value: 3, timestampMs: 1 },
    ]);
    histogram.turnBack(2);
    expect(histogram.exemplars.map((exemplar) => exemplar?.timestampMs)).toEqual([undefined, 2, 1]);
  });

  it('merges exemplars in any order and grouping to the same, which are those of one histogram that saw it all', () => {
    const seen = fc.array(fc.record({ value: fc.nat(4), id: fc.constantFrom('a', 'b'), timestampMs: fc.nat(3) }), { maxLength: 6 });
    fc.assert(
      fc.property(seen, seen, seen, (a, b, c) => {
        const straight = shownBy(observed([...a, ...b, ...c]));
        for (const [x, y, z] of [
          [a, b, c],
          [c, a, b],
          [b, c, a],
        ] as const) {
          const left = merged(merged(observed(x), observed(y)), observed(z));
          const right = merged(observed(x), merged(observed(y), observed(z)));
          expect([shownBy(left), shownBy(right)]).toEqual([straight, straight]);
        }
      }),
    );
  });
});
