import { describe, expect, it } from 'vitest';
import { Histogram } from '../../core/histograms.js';
import { cellsOn, exemplarsOn, LabelCache, prometheusNameOf, type Metric } from './metric.js';

describe('the cells of a histogram on some of its edges', () => {
  it('hold what is at the edge or below it, and above the last what is beyond', () => {
    const histogram = new Histogram([1, 2, 4, 8]);
    for (const value of [1, 2, 3, 4, 5, 8, 9]) histogram.observe(value);
    expect(cellsOn([2, 4], histogram)).toEqual([2, 2, 3]);
    expect(cellsOn([1, 8], histogram)).toEqual([1, 5, 1]);
    expect(cellsOn([], histogram)).toEqual([7]);
  });

  it('show the newest of their exemplars, also where several cells fall into one', () => {
    const histogram = new Histogram([1, 2, 4, 8]);
    expect(exemplarsOn([2], histogram)).toEqual([]);
    for (const [value, timestampMs] of [
      [1, 5],
      [2, 4],
      [8, 1],
      [9, 2],
    ] as const)
      histogram.observe(value, { id: `at-${value}`, timestampMs });
    const shownOn = (edges: readonly number[]) => [...exemplarsOn(edges, histogram)].map((exemplar) => exemplar?.traceId);
    expect(shownOn(histogram.edges)).toEqual(['at-1', 'at-2', undefined, 'at-8', 'at-9']);
    expect(shownOn([2, 4])).toEqual(['at-1', undefined, 'at-9']);
    expect(shownOn([])).toEqual(['at-1']);
  });
});

describe('the name in Prometheus', () => {
  it.each([
    ['a.b', 'histogram', 's', 'a_b_seconds'],
    ['a.used', 'counter', 'J', 'a_used_joules_total'],
    ['a.share', 'gauge', '1', 'a_share_ratio'],
    ['a.size', 'updowncounter', 'By', 'a_size_bytes'],
    ['a.things', 'counter', '{thing}', 'a_things_total'],
  ])('has underscores and the unit: %s (%s)', (name, type, unit, wanted) => {
    expect(prometheusNameOf({ name, type, unit } as Metric, { isDotted: true })).toBe(wanted);
    expect(prometheusNameOf({ name, type, unit } as Metric, { isDotted: false })).toBe(name);
  });
});

describe('the cache of label sets', () => {
  it('keeps those of the last reading, and forgets what that did not use', () => {
    const cache = new LabelCache();
    const set = cache.of(['a'], ['1']);
    cache.turn();
    expect(cache.of(['a'], ['1'])).toBe(set);
    cache.turn();
    cache.turn();
    expect(cache.of(['a'], ['1'])).not.toBe(set);
    expect(cache.of(['a', 'b'], [undefined, '1']).text).toBe('b="1"');
  });
});
