import type { EventLog } from '#libs/event-log';
import { LIMITS } from '../../support/traffic.js';
import { FleetView } from '../../../apps/aggregator/core/fleet-view.js';
import { RollupFollowing } from '../../../apps/aggregator/in/rollup-following.js';

/** Up to where the published state of each partition of the requests goes: the offset of the first record that it does not hold. */
export async function publishedOffsets(log: EventLog, rollupTopic: string, partitions: number): Promise<ReadonlyMap<number, bigint>> {
  const view = new FleetView(LIMITS);
  const following = new RollupFollowing(log, rollupTopic, view);
  await following.start();
  await following.close();
  const nexts = Array.from(
    { length: partitions },
    (_unused, partition) => view.partition('requests', partition)?.current.state?.next ?? 0n,
  );
  return new Map(nexts.entries());
}
