import { decodeEvent } from '#libs/contracts';
import type { LogRecord, PartitionHandler, StartAt } from '#libs/event-log';
import type { FleetView, Input } from '../core/fleet-view.js';
import { PartitionState } from '../core/partition-state.js';
import type { LabelLimits } from '../core/series.js';
import type { DeadLetters } from '../out/dead-letters.js';
import type { RollupPublisher } from '../out/rollup-publisher.js';

/** What a consumer of one input topic needs. */
export interface ConsumerParts {
  readonly input: Input;
  readonly topic: string;
  readonly limits: LabelLimits;
  /** It holds every snapshot that was stored before this process started. */
  readonly view: FleetView;
  readonly deadLetters: DeadLetters;
  readonly publisherOf: (partition: number) => RollupPublisher;
}

interface Owned {
  readonly state: PartitionState;
  readonly publisher: RollupPublisher;
  lastBatchAtMs: number;
  lagMs: number;
}

/** Folds the partitions of one input topic that this process owns: restored from the newest snapshot, published as it goes. */
export class PartitionConsumer implements PartitionHandler {
  private readonly owned = new Map<number, Owned>();

  constructor(private readonly parts: ConsumerParts) {}

  async assigned(partition: number): Promise<StartAt> {
    const { input, limits, view, publisherOf } = this.parts;
    const state = view.restore(input, partition) ?? new PartitionState(limits);
    this.owned.set(partition, { state, publisher: publisherOf(partition), lastBatchAtMs: performance.now(), lagMs: 0 });
    return state.next ?? 'beginning';
  }

  async batch(partition: number, records: readonly LogRecord[]): Promise<void> {
    const owned = this.owned.get(partition);
    if (!owned) return;
    owned.lastBatchAtMs = performance.now();
    owned.lagMs = Math.max(0, Date.now() - (records.at(-1)?.timestampMs ?? Infinity));
    for (const record of records) {
      const decoded = decodeEvent(record.value);
      if (!decoded.ok) await this.parts.deadLetters.put(this.parts.topic, record, decoded.reason, decoded.detail);
      owned.state.apply(record, decoded);
    }
  }

  async revoked(partition: number): Promise<void> {
    const owned = this.owned.get(partition);
    if (!owned) return;
    this.owned.delete(partition);
    await owned.publisher.publish(owned.state, owned.lagMs);
  }

  /** Publishes every owned partition that changed. Rejects with the first failure after trying all; what failed is sent the next time. */
  async publish(): Promise<void> {
    const results = await Promise.allSettled(
      [...this.owned.values()].map(({ state, publisher, lagMs }) => publisher.publish(state, lagMs)),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** Erases the snapshots of writers that are long gone. */
  async eraseAbandoned(): Promise<void> {
    for (const { state, publisher } of this.owned.values()) await publisher.eraseAbandoned(this.parts.view, state);
  }

  /** Owned partitions without a record for `forMs`, by this process's monotonic clock. */
  silent(forMs: number): readonly number[] {
    const before = performance.now() - forMs;
    return [...this.owned].flatMap(([partition, { lastBatchAtMs }]) => (lastBatchAtMs <= before ? partition : []));
  }
}
