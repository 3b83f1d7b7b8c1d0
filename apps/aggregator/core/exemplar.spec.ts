import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTraceId, newerOf, traceIdOf, traceparentOf, type Exemplar } from './exemplar.js';

const ID = '4bf92f3577b34da6a3ce929d0e0e4736';

describe('the trace of an event', () => {
  it('is the id in its traceparent, and survives being written down alone', () => {
    expect(traceIdOf({ traceparent: `00-${ID}-00f067aa0ba902b7-01` })).toBe(ID);
    expect(traceIdOf({ traceparent: traceparentOf(ID) })).toBe(ID);
    expect(traceIdOf({})).toBeUndefined();
  });

  it.each([
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${ID.toUpperCase()}-00f067aa0ba902b7-01`,
    `00-${ID.slice(1)}-00f067aa0ba902b7-01`,
    `0-${ID}-00f067aa0ba902b7-01`,
    `00-${ID.slice(1)}\n-00f067aa0ba902b7-01`,
    `00-${ID.slice(1)}"-00f067aa0ba902b7-01`,
    ID,
    '',
  ])('is none where that does not hold one: %j', (traceparent) => {
    expect(traceIdOf({ traceparent })).toBeUndefined();
  });

  it.each([7, null, undefined, [ID], `${ID}\n`, `${ID}0`, ''])('is not %j', (value) => {
    expect([isTraceId(ID), isTraceId(value)]).toEqual([true, false]);
  });
});

const exemplar: fc.Arbitrary<Exemplar> = fc.record({
  traceId: fc.constantFrom('a', 'b', 'c'),
  value: fc.constantFrom(1, 2),
  timestampMs: fc.constantFrom(1, 2),
});

describe('the newer of two exemplars', () => {
  it('is the one that came later; of two of one moment it is the same in whatever order they come', () => {
    const [old, young] = [
      { traceId: 'b', value: 1, timestampMs: 1 },
      { traceId: 'a', value: 1, timestampMs: 2 },
    ];
    expect([newerOf(old, young), newerOf(young, old), newerOf(undefined, old)]).toEqual([young, young, old]);
    fc.assert(
      fc.property(exemplar, exemplar, exemplar, (a, b, c) => {
        expect(newerOf(a, b)).toEqual(newerOf(b, a));
        expect(newerOf(newerOf(a, b), c)).toEqual(newerOf(a, newerOf(b, c)));
      }),
    );
  });
});
