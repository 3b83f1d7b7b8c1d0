import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shareOut, type Claim } from './sharing.js';

/** Plays rounds as members do: each keeps what it was given of its own, takes what was new, and comes back with that. */
function settle(start: readonly Claim[], partitions: number): { readonly claims: readonly Claim[]; readonly rounds: number } {
  let claims = start;
  for (let round = 1; ; round += 1) {
    const shares = shareOut(claims, partitions);
    claims = claims.map(({ memberId }) => ({ memberId, owned: shares.of.get(memberId)!, generation: 100 + round }));
    if (!shares.unfinished) return { claims, rounds: round };
    if (round > 5) throw new Error('it does not settle');
  }
}

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const situations = fc
  .record({ members: fc.integer({ min: 1, max: 8 }), partitions: fc.integer({ min: 1, max: 12 }) })
  .chain(({ members, partitions }) =>
    fc.record({
      partitions: fc.constant(partitions),
      claims: fc.tuple(
        ...NAMES.slice(0, members).map((memberId) =>
          fc.record({
            memberId: fc.constant(memberId),
            // Also partitions that are gone, and those that others claim.
            owned: fc.uniqueArray(fc.integer({ min: 0, max: partitions + 2 })),
            generation: fc.integer({ min: 0, max: 9 }),
          }),
        ),
      ),
    }),
  );

describe('sharing partitions out', () => {
  it('ends with each partition owned once and evenly, within two rounds', () => {
    fc.assert(
      fc.property(situations, ({ claims, partitions }) => {
        const settled = settle(claims, partitions);
        expect(settled.rounds).toBeLessThanOrEqual(2);
        const owned = settled.claims.flatMap((claim) => [...claim.owned]).toSorted((a, b) => a - b);
        expect(owned).toEqual([...Array(partitions).keys()]);
        const sizes = settled.claims.map((claim) => claim.owned.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('gives nobody a partition that another one may still own', () => {
    fc.assert(
      fc.property(situations, ({ claims, partitions }) => {
        const given = [...shareOut(claims, partitions).of].flatMap(([memberId, share]) =>
          share.map((partition) => ({ memberId, partition })),
        );
        const snatched = given.filter(({ memberId, partition }) => {
          const claimants = claims.filter(({ owned }) => owned.includes(partition));
          const latest = Math.max(...claimants.map(({ generation }) => generation));
          return claimants.length > 0 && !claimants.some((one) => one.memberId === memberId && one.generation === latest);
        });
        expect(snatched).toEqual([]);
      }),
    );
  });

  it('moves as few partitions as an even share asks for', () => {
    fc.assert(
      fc.property(situations, ({ claims, partitions }) => {
        const before = settle(claims, partitions).claims;
        expect(shareOut(before, partitions).of).toEqual(new Map(before.map(({ memberId, owned }) => [memberId, owned])));
        const gone = settle(before.slice(1), partitions).claims;
        for (const { memberId, owned } of gone)
          expect(owned).toEqual(expect.arrayContaining([...before.find((one) => one.memberId === memberId)!.owned]));
      }),
    );
  });

  it('believes the later generation', () => {
    const shares = shareOut(
      [
        { memberId: 'zombie', owned: [0, 1], generation: 3 },
        { memberId: 'heir', owned: [0, 1], generation: 4 },
      ],
      2,
    );
    expect(shares).toEqual({
      of: new Map([
        ['heir', [0]],
        ['zombie', []],
      ]),
      unfinished: true,
    });
  });
});
