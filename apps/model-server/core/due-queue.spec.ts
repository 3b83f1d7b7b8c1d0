import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DueQueue } from './due-queue.js';

describe('DueQueue', () => {
  it('hands out what is due, earliest first, and in order of arrival among equals', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), (dues) => {
        const queue = new DueQueue<number>();
        for (const [index, due] of dues.entries()) queue.push(index, due);
        const sorted = dues.map((due, index) => ({ due, index })).toSorted((a, b) => a.due - b.due || a.index - b.index);
        expect(queue.size).toBe(dues.length);
        for (const { due, index } of sorted) {
          expect(queue.earliestMs).toBe(due);
          expect(queue.popDue(due - 0.1)).toBeUndefined();
          expect(queue.popDue(due)).toBe(index);
        }
        expect([queue.size, queue.earliestMs, queue.popDue(Infinity)]).toEqual([0, Infinity, undefined]);
      }),
    );
  });
});
