import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold, hardTimes } from '../../../test/support/fold.js';
import { CompactedTopic, RollupWriter } from '../../../test/support/rollups.js';
import { anyEvent } from '../../../test/support/event-arbitrary.js';
import { LIMITS, recordsOf } from '../../../test/support/traffic.js';
import { canonical, copyOf } from './state-parts.js';

const records = fc.oneof(
  hardTimes,
  fc.array(anyEvent, { maxLength: 30 }).map((events) => recordsOf(events)),
);

describe('a copy of a state', () => {
  it('is the same, goes on to the same bytes, and leaves the first as it is', () => {
    fc.assert(
      fc.property(records, fc.nat(60), (all, known) => {
        const state = fold(all.slice(0, known));
        const before = canonical(state);
        const copy = copyOf(state, LIMITS);
        expect(canonical(copy)).toBe(before);
        expect(canonical(fold(all.slice(known), copy))).toBe(canonical(fold(all)));
        expect(canonical(state)).toBe(before);
        expect(canonical(fold(all.slice(known), state))).toBe(canonical(copy));
      }),
      { numRuns: 300 },
    );
  });

  it('of a state that was read back is the same as well, buckets at rest and all', () => {
    fc.assert(
      fc.property(records, fc.nat(60), (all, known) => {
        const [writer, topic] = [new RollupWriter().fold(all.slice(0, known)), new CompactedTopic()];
        writer.put(topic, writer.base());
        for (const state of topic.read().states('requests')) {
          expect(canonical(fold(all.slice(known), copyOf(state, LIMITS)))).toBe(canonical(fold(all)));
          expect(canonical(state)).toBe(canonical(writer.state));
        }
      }),
      { numRuns: 200 },
    );
  });
});
