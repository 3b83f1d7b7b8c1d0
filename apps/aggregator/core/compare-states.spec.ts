import { describe, expect, it } from 'vitest';
import { fold, gateway, tracedBy } from '../../../test/support/fold.js';
import { interleaved, onePlanned, recordsOf } from '../../../test/support/traffic.js';
import { differencesOf } from './compare-states.js';
import { canonical } from './state-parts.js';

const events = interleaved([onePlanned({ end: 'completed' })], gateway());
const traced = fold(recordsOf(events.map((event) => tracedBy(event, 1))));

describe('the differences of two states', () => {
  it('are not in the exemplars: a writer of an older version leaves them out', () => {
    const bare = fold(recordsOf(events));
    expect(canonical(bare)).not.toBe(canonical(traced));
    expect([differencesOf(bare, traced), differencesOf(traced, bare)]).toEqual([[], []]);
  });

  it('are in everything else, with exemplars or without, each at its place', () => {
    const other = fold(recordsOf(interleaved([onePlanned({ end: 'completed', outputTokens: 11 })], gateway())));
    const places = differencesOf(other, traced).map(({ place }) => place.replace(/^series\/[^.]+/, 'series'));
    expect(places.some((place) => place.startsWith('series.figures.'))).toBe(true);
    expect(places.some((place) => place.startsWith('series.engines.'))).toBe(true);
    expect(places.filter((place) => place.includes('exemplars'))).toEqual([]);
  });

  it('are said of a request that is called as exemplars are', () => {
    const open = fold(recordsOf(interleaved([onePlanned({ id: 'exemplars' })], gateway())));
    expect(differencesOf(open, fold([])).length).toBeGreaterThan(0);
    const started = fold(recordsOf(interleaved([onePlanned({ id: 'exemplars', started: false }), onePlanned({ id: 'r' })], gateway())));
    const places = differencesOf(
      fold(recordsOf(interleaved([onePlanned({ id: 'exemplars' }), onePlanned({ id: 'r' })], gateway()))),
      started,
    );
    expect(places.map(({ place }) => place).join('\n')).toMatch(/^producer\/.+\.exemplars\./m);
  });
});
