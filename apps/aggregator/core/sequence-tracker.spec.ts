import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SequenceTracker } from './sequence-tracker.js';

describe('the tracker of sequence numbers', () => {
  it('takes each number once, in any order, and knows what is missing', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 120 }), (numbers) => {
        const [tracker, seen] = [new SequenceTracker(), new Set<number>()];
        for (const number of numbers) {
          expect(tracker.accept(number, 0)).toBe(!seen.has(number));
          seen.add(number);
          expect(tracker.highest).toBe(Math.max(...seen));
          expect(seen.size + tracker.missing).toBe(tracker.highest);
        }
      }),
    );
  });

  it('gives up the oldest of too many gaps: its numbers stay missing', () => {
    const tracker = new SequenceTracker();
    for (let index = 1; index <= 300; index += 1) tracker.accept(3 * index, 0);
    expect(tracker.gaps.length).toBe(256);
    expect(tracker.missing).toBe(600);
    expect([tracker.accept(1, 0), tracker.accept(899, 0)]).toEqual([false, true]);
    expect(tracker.missing).toBe(599);
  });

  it('gives up what was found missing before a time, and not what was found since', () => {
    const tracker = new SequenceTracker();
    tracker.accept(3, 100);
    tracker.accept(6, 200);
    expect(tracker.abandon(100)).toBe(false);
    expect(tracker.abandon(101)).toBe(true);
    expect([tracker.accept(1, 300), tracker.accept(4, 300)]).toEqual([false, true]);
    expect([tracker.abandoned, tracker.missing]).toEqual([2, 3]);
  });
});
