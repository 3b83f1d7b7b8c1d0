import { EventLogError, type PartitionHandler, type StartAt } from '../event-log.js';
import { Bell } from '../bell.js';
import type { Reader } from './reader.js';
import type { Topic } from './topic-tables.js';
import type { Turns } from '../turns.js';
import type { Watcher } from './watcher.js';

/** What reading loops share: one of each for an open log. */
export interface Reading {
  readonly reader: Reader;
  readonly watcher: Watcher;
  readonly turns: Turns;
}

/** Feeds one partition to a group member's handler, from `assigned` to `revoked`. */
export class Feed {
  readonly partition: number;
  private readonly topic: Topic;
  private readonly handler: PartitionHandler;
  private readonly reading: Reading;
  private readonly bell = new Bell();
  private readonly running: Promise<void>;
  private position = 0;
  private assigned = false;
  private stopping = false;

  /** Starts at once. `onFailure` is told when the handler or the log fails; the feed still has to be stopped. */
  constructor(topic: Topic, partition: number, handler: PartitionHandler, reading: Reading, onFailure: (cause: unknown) => void) {
    this.topic = topic;
    this.partition = partition;
    this.handler = handler;
    this.reading = reading;
    this.running = this.run().catch(onFailure);
  }

  /** True once the handler has said where to start. */
  get started(): boolean {
    return this.assigned;
  }

  /** The offset after the last record handled. */
  get next(): number {
    return this.position;
  }

  get end(): number {
    return this.reading.reader.endOf(this.partitionId);
  }

  /** Waits for the call in hand, then tells the handler that the partition is no longer its own. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.bell.ring();
    await this.running;
    if (this.assigned) await this.handler.revoked(this.partition);
  }

  private get partitionId(): number {
    return this.topic.partitionIds[this.partition]!;
  }

  private async run(): Promise<void> {
    await this.begin();
    const unwatch = this.reading.watcher.watch([this.partitionId], this.bell);
    try {
      while (!this.stopping) await this.deliver();
    } finally {
      unwatch();
    }
  }

  private async begin(): Promise<void> {
    const { partition, end } = this;
    const oldest = this.oldest();
    const start = await this.handler.assigned(partition, { oldest: BigInt(oldest), end: BigInt(end) });
    this.assigned = true;
    this.position = this.offsetOf(start);
  }

  private async deliver(): Promise<void> {
    await this.reading.turns.next();
    if (this.stopping) return;
    const { records, next } = this.reading.reader.read(this.topic, this.partition, this.position);
    if (records.length === 0) {
      this.position = next;
      await this.bell.wait();
    } else if (this.isOvertaken(records[0]!.offset)) {
      this.assigned = false;
      await this.handler.revoked(this.partition);
      await this.begin();
    } else {
      const goOnAt = await this.handler.batch(this.partition, records);
      this.position = goOnAt === undefined ? next : this.offsetOf(goOnAt);
    }
  }

  /** True if retention has deleted what came next, before it could be read. Compacted topics have holes anyway. */
  private isOvertaken(firstOffset: bigint): boolean {
    return !this.topic.compacted && firstOffset > BigInt(this.position);
  }

  private oldest(): number {
    return this.reading.reader.oldestOf(this.topic, this.partition);
  }

  private offsetOf(start: StartAt): number {
    if (start === 'beginning') return this.oldest();
    if (start === 'end') return this.end;
    const { end } = this;
    if (start >= 0n && start <= BigInt(end)) return Math.max(Number(start), this.oldest());
    throw new EventLogError(`offset ${start} is outside of partition ${this.partition} of ${this.topic.name}, which ends at ${end}`);
  }
}
