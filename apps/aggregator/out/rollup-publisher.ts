import type { EventLog, OutgoingRecord } from '#libs/event-log';
import { rollupKey, type FleetView, type Input } from '../core/fleet-view.js';
import type { PartitionState } from '../core/partition-state.js';
import { HEAD } from '../core/snapshot-parts.js';
import { SnapshotWriter } from '../core/snapshot-writer.js';

/** A writer that has stored nothing for this long, by the log's clock, left its keys behind: they are erased. */
const ABANDONED_AFTER_MS = 600_000;

/**
 * Publishes the states of one partition to the rollup topic, under this replica's own keys. It lives as long as the replica, however
 * often the partition comes and goes: it knows what is out under these keys.
 */
export class RollupPublisher {
  private readonly writer = new SnapshotWriter();
  /** Parts that were not stored yet, the newest of each key. */
  private readonly pending = new Map<string, OutgoingRecord>();
  /** The input offset of the newest state that is out. */
  private publishedNext = -1n;
  private isFirst = true;
  private inFlight: Promise<void> = Promise.resolve();

  constructor(
    private readonly log: EventLog,
    private readonly topic: string,
    private readonly input: Input,
    private readonly partition: number,
    private readonly replica: string,
  ) {}

  /** To be called when the partition was gained, before `publish`: its state is another than the last one that was published. */
  startOver(): void {
    this.writer.startOver();
    this.isFirst = true;
  }

  /**
   * Stores what changed since the last time, after whatever is in flight. `lagMs`: how old the newest record was when it was read.
   * A state older than what is out stores nothing, for readers must not see counters run backwards: a partition that comes back at once
   * may be restored from before what was published when it went. On rejection nothing is lost: the next call sends it too.
   */
  publish(state: PartitionState, lagMs: number): Promise<void> {
    const next = this.inFlight.then(() => this.send(state, lagMs));
    this.inFlight = next.catch(() => undefined);
    return next;
  }

  /** Erases what writers that are long gone left behind for this partition, once the view has something newer from this one. */
  async eraseAbandoned(view: FleetView, { logTimeMs }: PartitionState): Promise<void> {
    const readers = view.replicasOf(this.input, this.partition);
    const own = readers.get(this.replica)?.next;
    if (own === undefined) return;
    for (const [replica, reader] of readers) {
      const isAbandoned = logTimeMs - reader.lastRecordMs >= ABANDONED_AFTER_MS && (reader.next ?? 0n) <= own;
      if (replica === this.replica || !isAbandoned) continue;
      const keys = [...reader.names(), HEAD].map((name) => rollupKey(this.input, this.partition, replica, name));
      await this.log.append(
        this.topic,
        keys.map((key) => ({ partition: this.partition, key, value: null })),
      );
    }
  }

  private async send(state: PartitionState, lagMs: number): Promise<void> {
    const { next } = state;
    if (next === undefined || next < this.publishedNext) return;
    if (next === this.publishedNext && !this.isFirst && this.pending.size === 0) return;
    for (const { name, value } of this.writer.take(state, { replica: this.replica, lagMs })) {
      const key = rollupKey(this.input, this.partition, this.replica, name);
      this.pending.delete(key);
      this.pending.set(key, { partition: this.partition, key, value });
    }
    await this.log.append(this.topic, [...this.pending.values()]);
    this.pending.clear();
    this.publishedNext = next;
    this.isFirst = false;
  }
}
