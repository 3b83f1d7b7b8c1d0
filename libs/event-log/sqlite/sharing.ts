/** What one member has to do so that the group's partitions are shared evenly. */
export interface Share {
  /** Partitions of the member that stay with it. */
  readonly keep: readonly number[];
  /** Partitions that nobody owns and that the member takes. */
  readonly claim: readonly number[];
  /** Partitions of the member that others are short of. */
  readonly excess: readonly number[];
}

/**
 * Each member compares what it owns with its quota, an even share that depends on its rank alone: with less it takes free partitions,
 * with more it gives up the highest. The quotas add up to all partitions, so a group that keeps doing this ends with each partition owned once,
 * and no partition moves without need. `owners[p]` is the owner of partition p, `members` are in the order in which they joined.
 */
export function shareOf(member: string, members: readonly string[], owners: readonly (string | undefined)[]): Share {
  const rank = members.indexOf(member);
  const quota = Math.floor(owners.length / members.length) + (rank < owners.length % members.length ? 1 : 0);
  const numbers = owners.map((_, partition) => partition);
  const owned = numbers.filter((partition) => owners[partition] === member);
  const free = numbers.filter((partition) => owners[partition] === undefined);
  return { keep: owned.slice(0, quota), claim: free.slice(0, Math.max(0, quota - owned.length)), excess: owned.slice(quota) };
}
