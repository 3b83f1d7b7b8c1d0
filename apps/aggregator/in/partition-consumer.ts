import { setImmediate as nextTurn } from 'node:timers/promises';
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
  /** Asked once for each partition. */
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
  private readonly publishers = new Map<number, RollupPublisher>();

  constructor(private readonly parts: ConsumerParts) {}

  async assigned(partition: number): Promise<StartAt> {
    const { input, limits, view } = this.parts;
    const state = view.restore(input, partition) ?? new PartitionState(limits);
    const publisher = this.publisherOf(partition);
    publisher.startOver();
    this.owned.set(partition, { state, publisher, lastBatchAtMs: performance.now(), lagMs: 0 });
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
    await publishOf(owned);
  }

  /**
   * Publishes every owned partition that changed, each in a turn of its own, for writing a large state down takes some milliseconds.
   * Rejects with the first failure after trying all; what failed is sent the next time.
   */
  async publish(): Promise<void> {
    const failures: Error[] = [];
    const publications: Promise<void>[] = [];
    for (const partition of Array.from(this.owned.keys())) {
      const owned = this.owned.get(partition);
      if (owned) publications.push(publishOf(owned).catch((error: Error) => void failures.push(error)));
      await nextTurn();
    }
    await Promise.all(publications);
    if (failures[0]) throw failures[0];
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

  private publisherOf(partition: number): RollupPublisher {
    const publisher = this.publishers.get(partition) ?? this.parts.publisherOf(partition);
    this.publishers.set(partition, publisher);
    return publisher;
  }
}

function publishOf({ publisher, state, lagMs }: Owned): Promise<void> {
  return publisher.publish(state, lagMs);
}
