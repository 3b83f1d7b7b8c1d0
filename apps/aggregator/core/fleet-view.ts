import { hashOf } from './hash.js';
import type { PartitionState } from './partition-state.js';
import { PartitionView } from './partition-view.js';
import { INPUTS, parseRollupKey, replicaOf, type Input } from './rollup-keys.js';
import { type LabelLimits } from './series.js';
import { atOnce } from './steps.js';
import { WindowSums } from './window-sums.js';

/** A partition that is this far behind the others, in log time, is not owned by a live aggregator. */
const LIVE_WITHIN_MS = 10_000;
/** Every partition hears of somebody every second. One that is further behind the others than this is not read. */
const IN_STEP_MS = 5_000;

/** The newest state of a partition, from whose writer. */
interface Newest {
  readonly partition: number;
  readonly state: PartitionState;
  readonly writer: string;
  readonly lagMs: number;
}

/** Equal only for states of a partition that show the same. */
export type Mark = readonly (string | number)[];

/**
 * The whole fleet's state: of every input partition the newest state that the rollups lead to, whoever wrote them. What a zombie writes
 * is as correct as what the owner does: the greater epoch and offset win.
 */
export class FleetView {
  /** Grows with every change: equal versions, equal answers. */
  version = 0;
  /** Records of the rollup topic that could not be understood. */
  foreign = 0;
  /** True once `restoring` has come to its end: until then there may be more than is shown. */
  isRestored = false;
  /** The sums of the request partitions' buckets. */
  readonly windows = new WindowSums();
  private readonly views: Readonly<Record<Input, Map<number, PartitionView>>> = { requests: new Map(), gpus: new Map() };
  private isGathering = true;

  constructor(private readonly limits: LabelLimits) {}

  /** The rollup topic is read from its beginning again. The states stay as they are until `restoring` has made newer ones. */
  gather(): void {
    this.isGathering = true;
    for (const view of this.all()) view.gather();
  }

  /** Takes one record of the rollup topic, in order per writer. `timestampMs` is the log's clock at the append. Never throws. */
  put(key: string, value: Uint8Array | null, timestampMs: number): void {
    const parsed = parseRollupKey(key);
    if (!parsed) {
      this.foreign += 1;
      return;
    }
    const { input, partition, writer, name } = parsed;
    const views = this.views[input];
    const view = views.get(partition) ?? new PartitionView(this.limits);
    if (!views.has(partition)) {
      views.set(partition, view);
      // A new partition has nothing to gather: its first delta makes its state.
      if (!this.isGathering) atOnce(view.restoring());
    }
    if (view.put(writer, name, value, timestampMs)) this.version += 1;
  }

  /** To be called when the topic was read up to some end: makes the states, some milliseconds of work for each step. */
  *restoring(): Generator<void> {
    for (const view of this.all()) yield* view.restoring();
    this.isGathering = false;
    // Partitions of which the first was heard meanwhile.
    for (const view of this.all()) yield* view.restoring();
    this.version += 1;
    this.isRestored = true;
  }

  /** True if what is shown is all that was published: else counters would run backwards. */
  get isWhole(): boolean {
    return this.isRestored && ![...this.all()].some(({ isLost }) => isLost);
  }

  /** There is more in the topic than the deltas lead to: `gather`, and read it again. */
  get isBehind(): boolean {
    return [...this.all()].some((view) => view.isBehind);
  }

  /** What is known of one input partition. */
  partition(input: Input, partition: number): PartitionView | undefined {
    return this.views[input].get(partition);
  }

  /** The newest state of every partition of an input, in partition order. Read only. */
  states(input: Input): readonly PartitionState[] {
    return this.newest(input).map(({ state }) => state);
  }

  /** The same with the partitions' numbers. */
  numbered(input: Input): readonly (readonly [partition: number, state: PartitionState])[] {
    return this.newest(input).map(({ partition, state }) => [partition, state] as const);
  }

  /** Equal only for views that show the same: the same states, from the same owners, who told of the same lag. */
  get offset(): string {
    return hashOf(JSON.stringify(INPUTS.map((input) => this.newest(input).map(markOf))));
  }

  /** The request partitions one after the other, each as it is when its turn comes, and the mark of what it then shows. */
  *requestPartitions(): Generator<{ readonly state: PartitionState; readonly mark: Mark }> {
    for (const { partition } of this.newest('requests')) {
      const newest = this.newestOf('requests', partition);
      if (newest) yield { state: newest.state, mark: markOf(newest) };
    }
  }

  /** The greatest lag of a request partition in ms: what its writer reported, or how far it is behind the others if it is not read. */
  get lagMs(): number {
    const newest = this.newest('requests');
    const nowMs = newestTime(newest);
    const lags = newest.map(({ state, lagMs }) => {
      const behindMs = nowMs - state.logTimeMs;
      return Math.max(lagMs, behindMs > IN_STEP_MS ? behindMs : 0);
    });
    return Math.max(0, ...lags);
  }

  /** Aggregators that published a request partition lately. */
  get liveReplicas(): number {
    const newest = this.newest('requests');
    const nowMs = newestTime(newest);
    const live = newest.filter(({ state }) => nowMs - state.logTimeMs <= LIVE_WITHIN_MS);
    return new Set(live.map(({ writer }) => replicaOf(writer))).size;
  }

  /** Bases and deltas that were not taken because they were incomplete, corrupt or of another format. */
  get rejected(): number {
    return [...this.all()].reduce((sum, { rejected }) => sum + rejected, 0);
  }

  private newest(input: Input): readonly Newest[] {
    const partitions = [...this.views[input].keys()].toSorted((a, b) => a - b);
    return partitions.flatMap((partition) => this.newestOf(input, partition) ?? []);
  }

  private newestOf(input: Input, partition: number): Newest | undefined {
    const { state, writer, lagMs } = this.views[input].get(partition)!.current;
    return state && { partition, state, writer, lagMs };
  }

  private *all(): Generator<PartitionView> {
    yield* this.views.requests.values();
    yield* this.views.gpus.values();
  }
}

function markOf({ partition, state: { origin, next }, writer, lagMs }: Newest): Mark {
  return [partition, origin.epoch, String(next), replicaOf(writer), lagMs];
}

function newestTime(newest: readonly Newest[]): number {
  return Math.max(0, ...newest.map(({ state }) => state.logTimeMs));
}
