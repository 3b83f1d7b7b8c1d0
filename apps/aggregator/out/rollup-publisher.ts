import type { Decoded, InferometerEvent } from '#libs/contracts';
import type { EventLog, OutgoingRecord } from '#libs/event-log';
import { compareMarks } from '../core/base-reader.js';
import { BaseWriter } from '../core/base-writer.js';
import type { SinceBase } from '../core/delta-follower.js';
import { DeltaWriter } from '../core/delta-writer.js';
import type { FoldRecord, PartitionState } from '../core/partition-state.js';
import type { PartitionView } from '../core/partition-view.js';
import { deltaName, rollupKey, type Input, type RollupPart } from '../core/rollup-keys.js';
import { pack } from './packing.js';
import { RollupQueue } from './rollup-queue.js';
import { sliced } from './sliced.js';

/** A writer that has stored nothing for this long, by the log's clock, left its keys behind: they are erased. */
const ABANDONED_AFTER_MS = 600_000;
/**
 * A base is due when the deltas since the last one are twice as large as that, or just larger but of many records: they take time to read
 * back. Not sooner, for under load most of a base is new each time, and the rollups should stay small beside the input.
 */
const MIN_BYTES_OF_DELTAS = 512 * 1024;
const MANY_RECORDS = 100_000;
/** While more than this waits to be stored, the fold waits too. */
const MAX_WAITING_BYTES = 4_000_000;

/** Where the rollups of one partition go. */
export interface RollupPlace {
  readonly log: Pick<EventLog, 'append'>;
  /** The rollup topic and the partition of it. */
  readonly topic: string;
  readonly topicPartition: number;
  readonly input: Input;
  readonly partition: number;
  /** A name under which nobody else writes, nor has written before. */
  readonly writer: string;
}

/** Publishes what the fold of one partition takes in, from gaining the partition to losing it. */
export class RollupPublisher {
  private readonly queue: RollupQueue;
  private readonly baseWriter = new BaseWriter();
  private deltas: DeltaWriter;
  private deltaCount = 0;
  private since: SinceBase;
  private baseInQueue = false;
  private closed = false;

  /** `state`: restored, and not folded on yet. `since`: what a restore would have to read beside the last base. */
  constructor(
    private readonly place: RollupPlace,
    private readonly state: PartitionState,
    since: SinceBase,
  ) {
    this.queue = new RollupQueue(place.log, place.topic);
    this.deltas = new DeltaWriter(state.origin, state.next);
    this.since = since;
  }

  /** To be called before the record is applied to the state. `lagMs`: how old it was when it was read. */
  add(record: FoldRecord, decoded: Decoded<InferometerEvent>, lagMs: number): void {
    this.deltas.add(record, decoded);
    if (this.deltas.isFull) this.cut(lagMs);
  }

  /** True if rows wait that need not wait for company. */
  get isFull(): boolean {
    return !this.queue.isEmpty;
  }

  /** True if so much waits to be stored that no more should be folded. */
  get isBlocked(): boolean {
    return this.queue.bytes > MAX_WAITING_BYTES;
  }

  /** Stores everything folded so far. On rejection nothing is lost: the next call stores it too. */
  async publish(lagMs: number): Promise<void> {
    if (this.deltas.records > 0) this.cut(lagMs);
    await this.queue.flush();
    if (this.baseInQueue) this.settleBase();
  }

  /** True if so much was published since the last base that one should be written. Not while another waits to be stored. */
  get isBaseDue(): boolean {
    const { bytes, records, baseBytes } = this.since;
    const isMuch = bytes > Math.max(MIN_BYTES_OF_DELTAS, 2 * baseBytes) || (records > MANY_RECORDS && bytes > baseBytes);
    return isMuch && !this.baseInQueue && this.queue.isEmpty && !this.closed;
  }

  /** Writes the state down, to be stored by the next `publish`. The state must not change until this has resolved. */
  async writeBase(lagMs: number): Promise<void> {
    if (this.deltas.records > 0) this.cut(lagMs);
    const records: OutgoingRecord[] = [];
    await sliced(this.baseRecords(lagMs, records));
    if (this.closed) return;
    for (const record of records.slice(0, -1)) this.queue.push(record);
    this.queue.barrier();
    for (const head of records.slice(-1)) this.queue.push(head);
    this.queue.barrier();
    this.baseInQueue = true;
    [this.deltaCount, this.since] = [0, { bytes: 0, records: 0, baseBytes: 0 }];
  }

  /** Erases what writers that are long silent left behind for this partition, where the view has a newer base of this one. */
  async eraseAbandoned(view: PartitionView): Promise<void> {
    const own = view.writers.get(this.place.writer)?.base;
    // The view's clock, for what the view has not read yet may be a word of theirs.
    const nowMs = view.current.state?.logTimeMs ?? 0;
    if (!own || !this.queue.isEmpty) return;
    for (const [writer, { names, lastRecordMs, reach }] of view.writers) {
      const isSilent = nowMs - lastRecordMs >= ABANDONED_AFTER_MS;
      if (writer === this.place.writer || !isSilent || (reach && compareMarks(reach, own) > 0)) continue;
      for (const name of names) this.queue.push(this.record({ name, value: null }, writer));
    }
    await this.queue.flush();
  }

  /** Stores what is folded, without a base that is only begun. */
  async close(lagMs: number): Promise<void> {
    this.closed = true;
    await this.publish(lagMs);
  }

  private *baseRecords(lagMs: number, into: OutgoingRecord[]): Generator<void> {
    for (const part of this.baseWriter.write(this.state, lagMs)) {
      if (part) into.push(this.record(part));
      yield;
    }
  }

  private cut(lagMs: number): void {
    const value = Buffer.from(this.deltas.text(lagMs));
    this.push({ name: deltaName(this.deltaCount), value });
    this.deltaCount += 1;
    const { bytes, records, baseBytes } = this.since;
    this.since = { bytes: bytes + value.byteLength, records: records + this.deltas.records, baseBytes };
    this.deltas = new DeltaWriter(this.state.origin, this.deltas.next);
  }

  private settleBase(): void {
    this.baseInQueue = false;
    for (const part of this.baseWriter.settle()) this.push(part);
    this.since = { ...this.since, baseBytes: this.baseWriter.bytes };
  }

  private push(part: RollupPart): void {
    this.queue.push(this.record(part));
  }

  private record({ name, value }: RollupPart, writer = this.place.writer) {
    const { input, partition, topicPartition } = this.place;
    return { partition: topicPartition, key: rollupKey({ input, partition, writer, name }), value: value && pack(value) };
  }
}
