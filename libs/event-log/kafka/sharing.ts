/** What a member says when it joins: what it owns, and since which generation of the group. */
export interface Claim {
  readonly memberId: string;
  readonly owned: readonly number[];
  readonly generation: number;
}

export interface Shares {
  /** By member: what it owns from now on. */
  readonly of: ReadonlyMap<string, readonly number[]>;
  /** True if partitions are held back until their owners have let go of them: another round follows. */
  readonly unfinished: boolean;
}

/**
 * Shares the partitions evenly, and moves none without need. A partition that has to move is given to nobody at first: its owner lets go of it when
 * it finds it missing, and comes back; the next round gives it away. So it never has two owners, and those that stay are not interrupted.
 * If two claim one, the later generation is right: the other has been away.
 */
export function shareOut(claims: readonly Claim[], partitions: number): Shares {
  const owners = ownersOf(claims, partitions);
  const ownedBy = ({ memberId }: Claim): number[] => [...owners.keys()].filter((partition) => owners[partition] === memberId);
  const ranked = claims
    .map((claim) => ({ memberId: claim.memberId, owned: ownedBy(claim) }))
    .toSorted((a, b) => b.owned.length - a.owned.length || (a.memberId < b.memberId ? -1 : 1));
  const free = [...owners.keys()].filter((partition) => owners[partition] === undefined);
  const shares = ranked.map(({ memberId, owned }, rank) => {
    const quota = Math.floor(partitions / ranked.length) + (rank < partitions % ranked.length ? 1 : 0);
    const kept = owned.slice(0, quota);
    return {
      memberId,
      share: [...kept, ...free.splice(0, quota - kept.length)].toSorted((a, b) => a - b),
      isExcessive: owned.length > quota,
    };
  });
  return {
    of: new Map(shares.map(({ memberId, share }) => [memberId, share])),
    unfinished: shares.some(({ isExcessive }) => isExcessive),
  };
}

function ownersOf(claims: readonly Claim[], partitions: number): (string | undefined)[] {
  const owners = Array.from({ length: partitions }, (): Claim | undefined => undefined);
  for (const claim of claims) {
    for (const partition of claim.owned) {
      const rival = owners[partition];
      if (partition < partitions && (rival === undefined || claim.generation > rival.generation)) owners[partition] = claim;
    }
  }
  return owners.map((claim) => claim?.memberId);
}
