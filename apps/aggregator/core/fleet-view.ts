import type { PartitionState } from './partition-state.js';
import { copyOf, SnapshotReader } from './snapshot-reader.js';
import { HEAD } from './snapshot-parts.js';
import { emplace, type LabelLimits } from './series.js';
import { WindowSums } from './window-sums.js';

/** The two input topics, as they are called in the keys of rollup records. */
export const INPUTS = ['requests', 'gpus'] as const;
export type Input = (typeof INPUTS)[number];

/** A writer that has not published for this long, in log time, is not counted as live. */
const LIVE_WITHIN_MS = 10_000;
/** Every partition hears of somebody every second. One that is further behind the others than this is not read. */
const IN_STEP_MS = 5_000;

/** The key of a rollup record. The replica is in it so that a late writer cannot erase what a newer one wrote. */
export function rollupKey(input: Input, partition: number, replica: string, part: string): string {
  return `${input}-${partition}/${replica}/${part}`;
}

/**
 * The whole fleet's state: of every input partition the newest complete snapshot, whoever wrote it.
 * A snapshot of a zombie is as correct as the owner's; the greater input offset wins.
 */
export class FleetView {
  /** Grows with every snapshot taken in: equal versions, equal answers. */
  version = 0;
  /** Records of the rollup topic that could not be understood. */
  foreign = 0;
  /** The sums of the request partitions' buckets. */
  readonly windows = new WindowSums();
  private readonly readers = new Map<string, Map<string, SnapshotReader>>();

  constructor(private readonly limits: LabelLimits) {}

  /** Takes one record of the rollup topic, in order per writer. `timestampMs` is the log's clock at the append. Never throws. */
  put(key: string, value: Uint8Array | null, timestampMs: number): void {
    const match = /^((?:requests|gpus)-\d+)\/([^/]+)\/(.+)$/.exec(key);
    if (!match) {
      this.foreign += 1;
      return;
    }
    const [, source = '', replica = '', name = ''] = match;
    const byReplica = emplace(this.readers, source, () => new Map<string, SnapshotReader>());
    const reader = emplace(byReplica, replica, () => new SnapshotReader(this.limits));
    reader.lastRecordMs = timestampMs;
    if (reader.put({ name, value })) this.version += 1;
    else if (name === HEAD && value === null) byReplica.delete(replica);
  }

  /** A copy of the newest complete snapshot of an input partition, to fold on from; undefined where there is none. */
  restore(input: Input, partition: number): PartitionState | undefined {
    const best = this.best(`${input}-${partition}`);
    return best ? copyOf(best.state, this.limits) : undefined;
  }

  /** The newest state of every partition of an input, in partition order. Read only. */
  states(input: Input): readonly PartitionState[] {
    return this.newest(input).map((reader) => reader.state);
  }

  /** The greatest lag of a request partition in ms: what its writer reported, or how far it is behind the others if it is not read. */
  get lagMs(): number {
    const readers = this.newest('requests');
    const nowMs = newestTime(readers);
    const lags = readers.map(({ state, publication }) => {
      const behindMs = nowMs - state.logTimeMs;
      return Math.max(publication?.lagMs ?? 0, behindMs > IN_STEP_MS ? behindMs : 0);
    });
    return Math.max(0, ...lags);
  }

  /** Writers that published lately. */
  get liveReplicas(): number {
    const readers = this.newest('requests');
    const nowMs = newestTime(readers);
    const live = readers.filter((reader) => nowMs - reader.state.logTimeMs <= LIVE_WITHIN_MS);
    return new Set(live.map((reader) => reader.publication?.replica)).size;
  }

  /** Snapshots that were not taken because they were incomplete, corrupt or of another version. */
  get rejected(): number {
    let rejected = 0;
    for (const byReplica of this.readers.values()) for (const reader of byReplica.values()) rejected += reader.rejected;
    return rejected;
  }

  /** What each replica has written about an input partition. */
  replicasOf(input: Input, partition: number): ReadonlyMap<string, SnapshotReader> {
    return new Map(this.readers.get(`${input}-${partition}`));
  }

  private newest(input: Input): readonly SnapshotReader[] {
    const sources = [...this.readers.keys()].filter((source) => source.startsWith(`${input}-`));
    const sorted = sources.toSorted((a, b) => Number(a.slice(input.length + 1)) - Number(b.slice(input.length + 1)));
    return sorted.flatMap((source) => this.best(source) ?? []);
  }

  private best(source: string): SnapshotReader | undefined {
    let best: SnapshotReader | undefined;
    for (const reader of this.readers.get(source)?.values() ?? []) {
      if (reader.next !== undefined && (best?.next === undefined || reader.next > best.next)) best = reader;
    }
    return best;
  }
}

function newestTime(readers: readonly SnapshotReader[]): number {
  return Math.max(0, ...readers.map(({ state }) => state.logTimeMs));
}
