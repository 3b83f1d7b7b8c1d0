import type { Decoded, InferometerEvent } from '#libs/contracts';
import type { LogRecord } from '#libs/event-log';
import type { PartitionState } from '../core/partition-state.js';
import type { RollupPublisher } from '../out/rollup-publisher.js';

/** A record of the input that was folded, here or by another: where it stands there tells whether the topic is still the same. */
export interface Witness {
  readonly offset: bigint;
  readonly timestampMs: number;
}

/** One partition that this process folds: its state, and who publishes it. */
export class OwnedPartition {
  lastBatchAtMs = performance.now();
  private lagMs = 0;
  /** Set while a base is being written: the state must not change. */
  private writing: Promise<void> | undefined;
  private isClosed = false;

  /** `witness`: is read again, to compare its timestamp with the one remembered. */
  constructor(
    readonly state: PartitionState,
    readonly publisher: RollupPublisher,
    private witness: Witness | undefined,
  ) {}

  get isWriting(): boolean {
    return this.writing !== undefined;
  }

  /** False if the first records show that the topic is another one than the state was folded from. */
  isSameTopic([first]: readonly LogRecord[]): boolean {
    const { witness } = this;
    this.witness = undefined;
    return first?.offset !== witness?.offset || first?.timestampMs === witness?.timestampMs;
  }

  /** `newestMs`: when the newest record of the batch was stored. */
  sawBatch(newestMs: number): void {
    this.lastBatchAtMs = performance.now();
    this.lagMs = Math.max(0, Date.now() - newestMs);
  }

  /** Resolves when the state may be changed. */
  async idle(): Promise<void> {
    while (this.writing) await this.writing;
  }

  /** Not while it is being written. False for a record that was folded before, or that comes too late. */
  fold(record: LogRecord, decoded: Decoded<InferometerEvent>): boolean {
    if (this.isClosed || record.offset < this.state.next) return false;
    this.publisher.add(record, decoded, this.lagMs);
    this.state.apply(record, decoded);
    return true;
  }

  /** Stores what was folded, and a base if one is due. Rejects if it could not be stored now. */
  async publish(): Promise<void> {
    await this.publisher.publish(this.lagMs);
    if (!this.publisher.isBaseDue || this.writing || this.isClosed) return;
    this.writing = this.publisher.writeBase(this.lagMs).finally(() => {
      this.writing = undefined;
    });
    await this.writing;
    await this.publisher.publish(this.lagMs);
  }

  /** Stores what was folded; nothing is folded afterwards. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.publisher.close(this.lagMs);
  }
}
