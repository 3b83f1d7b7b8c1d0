import { setImmediate as nextTurn } from 'node:timers/promises';
import { decodeEvent } from '#libs/contracts';
import type { Bounds, LogRecord, PartitionHandler, StartAt } from '#libs/event-log';
import type { Logger } from '#libs/runtime';
import { copyOf, copying } from '../core/state-parts.js';
import type { SinceBase } from '../core/delta-follower.js';
import type { FleetView } from '../core/fleet-view.js';
import { PartitionState, type Origin } from '../core/partition-state.js';
import type { Input } from '../core/rollup-keys.js';
import type { LabelLimits } from '../core/series.js';
import type { DeadLetters } from '../out/dead-letters.js';
import type { RollupPublisher } from '../out/rollup-publisher.js';
import { sliced } from '../out/sliced.js';
import { OwnedPartition, type Witness } from './owned-partition.js';

/** What a consumer of one input topic needs. */
export interface ConsumerParts {
  readonly input: Input;
  readonly topic: string;
  readonly limits: LabelLimits;
  readonly view: FleetView;
  /** Resolves when the view holds everything that was published before the call; rejects if that takes too long. */
  readonly catchUp: () => Promise<void>;
  readonly deadLetters: DeadLetters;
  /** Asked once each time that a partition is gained, or its state is replaced. */
  readonly publisherOf: (partition: number, state: PartitionState, since: SinceBase) => RollupPublisher;
  readonly logger: Logger;
}

const NOTHING_PUBLISHED: SinceBase = { bytes: 0, records: 0, baseBytes: 0 };
/** The event loop is left to others after so many records. */
const SLICE_RECORDS = 200;
const SLICED_COPIES = 3;

/** Folds the partitions of one input topic that this process owns: restored from the rollups, published as it goes. */
export class PartitionConsumer implements PartitionHandler {
  /** The partitions that this process folds now. */
  readonly owned = new Map<number, OwnedPartition>();
  /** What was done since the start: partitions gained and given up, records folded, and the events among them. */
  readonly counts = { assigned: 0, revoked: 0, records: 0, events: 0 };

  constructor(private readonly parts: ConsumerParts) {}

  /** Rejects, and so refuses the partition, if what was published cannot be read in time. */
  async assigned(partition: number, bounds: Bounds): Promise<StartAt> {
    const before = witnessOf(this.shown(partition)?.state, bounds);
    await this.parts.catchUp();
    const startAt = await this.takeOver(partition, bounds, before);
    this.counts.assigned += 1;
    return startAt;
  }

  async batch(partition: number, records: readonly LogRecord[]): Promise<StartAt | void> {
    const owned = this.owned.get(partition);
    if (!owned) return;
    if (this.epochOf(partition) > owned.state.origin.epoch) return this.switchOver(partition, owned);
    if (!owned.isSameTopic(records)) return this.beginAnew(partition, owned.state, 'other records than before');
    owned.sawBatch(records.at(-1)?.timestampMs ?? 0);
    for (const [index, record] of records.entries()) {
      // One that was folded before was put aside before, too.
      if (record.offset < owned.state.next) continue;
      const decoded = decodeEvent(record.value);
      if (!decoded.ok) await this.parts.deadLetters.put(this.parts.topic, record, decoded.reason, decoded.detail);
      if (owned.isWriting) await owned.idle();
      if (owned.fold(record, decoded)) this.count(decoded.ok);
      if (index % SLICE_RECORDS === SLICE_RECORDS - 1) await nextTurn();
    }
    if (owned.publisher.isBlocked) await this.attempt(owned.publish());
    else if (owned.publisher.isFull) void this.attempt(owned.publish());
  }

  async revoked(partition: number): Promise<void> {
    const owned = this.owned.get(partition);
    if (!owned) return;
    this.owned.delete(partition);
    this.counts.revoked += 1;
    // What could not be stored is folded again by the next owner.
    await this.attempt(owned.close());
  }

  /** Publishes what was folded in every owned partition. Rejects with the first failure after trying all; what failed is sent the next time. */
  async publish(): Promise<void> {
    const results = await Promise.allSettled(Array.from(this.owned.values(), (owned) => owned.publish()));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** Erases what writers that are long gone left behind. */
  async eraseAbandoned(): Promise<void> {
    for (const [partition, owned] of this.owned) {
      const view = this.parts.view.partition(this.parts.input, partition);
      if (view) await owned.publisher.eraseAbandoned(view);
    }
  }

  /** Owned partitions without a record for `forMs`, by this process's monotonic clock. */
  silent(forMs: number): readonly number[] {
    const before = performance.now() - forMs;
    return [...this.owned].flatMap(([partition, { lastBatchAtMs }]) => (lastBatchAtMs <= before ? partition : []));
  }

  private count(isEvent: boolean): void {
    this.counts.records += 1;
    if (isEvent) this.counts.events += 1;
  }

  /** `before`: what was known when the bounds were asked for. A late writer may have moved the state past them since then. */
  private async takeOver(partition: number, bounds: Bounds, before: Witness | undefined): Promise<StartAt> {
    const current = this.shown(partition);
    const state = current?.state ? await this.copy(current.state) : new PartitionState(this.parts.limits);
    const witness = witnessOf(state, bounds) ?? before;
    if (state.next > bounds.end && !witness) return this.beginAnew(partition, state, `no more than ${bounds.end} records`);
    this.own(partition, state, current?.sinceBase ?? NOTHING_PUBLISHED, witness);
    return witness?.offset ?? (state.next === 0n ? 'beginning' : state.next);
  }

  /** A state of a greater epoch was published: somebody has folded the partition anew. */
  private async switchOver(partition: number, owned: OwnedPartition): Promise<StartAt> {
    this.owned.delete(partition);
    await this.attempt(owned.close());
    const { state, sinceBase } = this.shown(partition)!;
    const copy = await this.copy(state!);
    this.parts.logger.info(`${this.nameOf(partition)}: going on from the state of epoch ${copy.origin.epoch} at ${copy.next}`);
    this.own(partition, copy, sinceBase, undefined);
    return copy.next;
  }

  private async beginAnew(partition: number, { next, origin }: PartitionState, found: string): Promise<StartAt> {
    const { logger, limits } = this.parts;
    await this.attempt(this.owned.get(partition)?.close() ?? Promise.resolve());
    logger.error(
      `${this.nameOf(partition)}: read up to ${next}, and now it holds ${found}: the topic was replaced, its counters start anew`,
    );
    const anew: Origin = { epoch: origin.epoch + 1, replaced: origin.replaced + 1, start: 0n };
    this.own(partition, new PartitionState(limits, anew), NOTHING_PUBLISHED, undefined);
    return 'beginning';
  }

  private own(partition: number, state: PartitionState, since: SinceBase, witness: Witness | undefined): void {
    this.owned.set(partition, new OwnedPartition(state, this.parts.publisherOf(partition, state, since), witness));
  }

  /** A copy of a state of the view. If that is moved on meanwhile, what was made may not fit together: it is made again, at last all at once. */
  private async copy(state: PartitionState): Promise<PartitionState> {
    for (let tries = 0; tries < SLICED_COPIES; tries += 1) {
      const { next } = state;
      const copy = await sliced(copying(state, this.parts.limits)).catch(() => undefined);
      if (copy && state.next === next) return copy;
    }
    return copyOf(state, this.parts.limits);
  }

  private epochOf(partition: number): number {
    return this.shown(partition)?.state?.origin.epoch ?? 0;
  }

  /** The newest state that is published, and what is known of it. */
  private shown(partition: number) {
    return this.parts.view.partition(this.parts.input, partition)?.current;
  }

  private nameOf(partition: number): string {
    return `partition ${partition} of ${this.parts.topic}`;
  }

  private async attempt(work: Promise<void>): Promise<void> {
    await work.catch((error: unknown) => this.parts.logger.warn(`rollups could not be stored: ${String(error)}`));
  }
}

/** The last record that is in a state: reading starts with it. Undefined if it cannot be there any more, or yet. */
function witnessOf(state: PartitionState | undefined, { oldest, end }: Bounds): Witness | undefined {
  if (!state || state.next <= state.origin.start || state.next <= oldest || state.next > end) return undefined;
  return { offset: state.next - 1n, timestampMs: state.lastTimestampMs };
}
