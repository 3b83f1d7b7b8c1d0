import type { EventLog, OutgoingRecord } from '#libs/event-log';
import { rollupKey, type FleetView, type Input } from '../core/fleet-view.js';
import type { PartitionState } from '../core/partition-state.js';
import { HEAD, SnapshotWriter } from '../core/snapshot.js';

/** A writer that has not published for this long, in log time, left its keys behind: they are erased. */
const ABANDONED_AFTER_MS = 600_000;

/** Publishes the state of one owned partition to the rollup topic, under this replica's own keys. */
export class RollupPublisher {
  private readonly writer = new SnapshotWriter();
  /** Parts that were not stored yet, the newest of each key. */
  private readonly pending = new Map<string, OutgoingRecord>();
  private publishedNext: bigint | undefined;
  private inFlight: Promise<void> = Promise.resolve();

  constructor(
    private readonly log: EventLog,
    private readonly topic: string,
    private readonly input: Input,
    private readonly partition: number,
    private readonly replica: string,
  ) {}

  /**
   * Stores what changed since the last time, after whatever is in flight. `lagMs`: how old the newest record was when it was read.
   * On rejection nothing is lost: the next call sends it too.
   */
  publish(state: PartitionState, lagMs: number): Promise<void> {
    const next = this.inFlight.then(() => this.send(state, lagMs));
    this.inFlight = next.catch(() => undefined);
    return next;
  }

  /** Erases what writers that are long gone left behind for this partition. */
  async eraseAbandoned(view: FleetView, state: PartitionState): Promise<void> {
    for (const [replica, reader] of view.replicasOf(this.input, this.partition)) {
      if (replica === this.replica || state.logTimeMs - reader.state.logTimeMs < ABANDONED_AFTER_MS) continue;
      const keys = [...reader.partNames(), HEAD].map((name) => rollupKey(this.input, this.partition, replica, name));
      await this.log.append(
        this.topic,
        keys.map((key) => ({ partition: this.partition, key, value: null })),
      );
    }
  }

  private async send(state: PartitionState, lagMs: number): Promise<void> {
    if (state.next === this.publishedNext && this.pending.size === 0) return;
    const { next } = state;
    for (const { name, value } of this.writer.take(state, { replica: this.replica, lagMs })) {
      const key = rollupKey(this.input, this.partition, this.replica, name);
      this.pending.delete(key);
      this.pending.set(key, { partition: this.partition, key, value });
    }
    await this.log.append(this.topic, [...this.pending.values()]);
    this.pending.clear();
    this.publishedNext = next;
  }
}
