import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shareOf } from './sharing.js';

describe('sharing partitions', () => {
  it('ends even, with every partition owned once, from any state and in any order of steps', () => {
    const start = fc.record({
      count: fc.integer({ min: 1, max: 24 }),
      members: fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 }),
      picks: fc.array(fc.nat(), { minLength: 24, maxLength: 24 }),
      order: fc.array(fc.nat(), { minLength: 200, maxLength: 200 }),
    });
    fc.assert(
      fc.property(start, ({ count, members, picks, order }) => {
        const owners = Array.from({ length: count }, (_, partition) => [...members, undefined][picks[partition]! % (members.length + 1)]);
        for (const pick of [...order, ...members.keys(), ...members.keys()]) {
          const member = members[pick % members.length]!;
          const { claim, excess } = shareOf(member, members, owners);
          expect(claim.every((partition) => owners[partition] === undefined)).toBe(true);
          expect(excess.every((partition) => owners[partition] === member)).toBe(true);
          for (const partition of claim) owners[partition] = member;
          for (const partition of excess) owners[partition] = undefined;
        }
        const sizes = members.map((member) => owners.filter((owner) => owner === member).length);
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(count);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('moves only what must move', () => {
    const owners = ['a', 'a', 'a', 'b', 'b', 'b'];
    expect(shareOf('a', ['a', 'b', 'c'], owners)).toEqual({ keep: [0, 1], claim: [], excess: [2] });
    expect(shareOf('b', ['a', 'b', 'c'], owners)).toEqual({ keep: [3, 4], claim: [], excess: [5] });
    expect(shareOf('c', ['a', 'b', 'c'], ['a', 'a', undefined, 'b', 'b', 'b'])).toEqual({ keep: [], claim: [2], excess: [] });
  });
});
