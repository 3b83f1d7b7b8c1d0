/** The key and the value of the largest record, together, in bytes: what a Kafka broker takes by default, with room for the record's own overhead. */
export const MAX_RECORD_BYTES = 1_000_000;

/** A record to append. Records of one partition keep their order; a `null` value is a tombstone in a compacted topic. */
export interface OutgoingRecord {
  readonly partition: number;
  readonly key: string;
  readonly value: Uint8Array | null;
}

/**
 * A stored record. `timestampMs` is the log's own clock at the append (Unix ms); `offset` grows within a partition, not always by one.
 * `value` may be a view of a larger buffer: whoever keeps it for long copies it.
 */
export interface LogRecord {
  readonly partition: number;
  readonly offset: bigint;
  readonly key: string;
  readonly value: Uint8Array | null;
  readonly timestampMs: number;
}

/**
 * What a topic should be. `compact` keeps the newest record of each key, and a tombstone for some minutes.
 * `retentionMs` bounds the age of what `delete` and `compact,delete` topics keep, `retentionBytes` the size of each partition of a `delete` topic.
 */
export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly policy: 'delete' | 'compact' | 'compact,delete';
  readonly retentionMs?: number;
  readonly retentionBytes?: number;
}

/** A topic as it is in the log. */
export interface StoredTopic {
  readonly name: string;
  readonly partitions: number;
  /** Usually one of `TopicSpec`'s. */
  readonly policy: string;
  /** Undefined for no limit. */
  readonly retentionMs: number | undefined;
  readonly retentionBytes: number | undefined;
  /** Whose clock stamps the records. It has to be the log's. */
  readonly clock: 'log' | 'producer';
}

/** Where a consumer of one partition starts. */
export type StartAt = bigint | 'beginning' | 'end';

/** What a partition holds: no record below `oldest` is left, and `end` is the offset after the newest. Both are 0 where nothing was ever appended. */
export interface Bounds {
  readonly oldest: bigint;
  readonly end: bigint;
}

/**
 * What a group member does with its partitions. Calls for one partition never overlap. Where reading cannot simply go on, because retention has
 * overtaken it or the topic was deleted and created anew, the partition is lost and gained again: `revoked`, then `assigned` with the new bounds.
 */
export interface PartitionHandler {
  /**
   * Called once for each partition gained, before its first batch: answers the offset of the first record wanted. Where that record is gone, reading
   * starts with the oldest one that is left; an offset past the end fails the consumption, for it would silently skip what is to come.
   */
  assigned(partition: number, bounds: Bounds): Promise<StartAt>;
  /**
   * Records in offset order, at least one and at most 1,000. An answer moves the reading there, by the rules of `assigned`.
   * A rejection ends the consumption for good: see `Consumption.failed`.
   */
  batch(partition: number, records: readonly LogRecord[]): Promise<StartAt | void>;
  /** Called before another member may own the partition, and when the consumption ends; not after an `assigned` that rejected. */
  revoked(partition: number): Promise<void>;
}

/** How far a member is in one partition: `next` is the offset after the records handled so far, `end` the offset after the newest record. */
export interface Position {
  readonly partition: number;
  readonly next: bigint;
  readonly end: bigint;
}

export interface Consumption {
  /** One for each partition that was assigned, in order. */
  positions(): Promise<readonly Position[]>;
  /** Resolves with the cause if the consumption dies for good: its partitions are revoked and go to the other members. Never rejects. */
  readonly failed: Promise<Error>;
  /** Stops after the calls in hand, then revokes every partition. Handlers must not wait for it. */
  close(): Promise<void>;
}

/** Follows a whole topic, without a group. Calls never overlap. */
export interface RecordHandler {
  /** Records of one partition in offset order, at least one and at most 1,000. A topic that was created anew is read from its beginning. */
  records(partition: number, records: readonly LogRecord[]): void | Promise<void>;
}

export interface Following {
  /** Resolves when everything that was in the topic at the start of `follow` has been handled; rejects if the following ends before. */
  readonly caughtUp: Promise<void>;
  /** Resolves when everything that was in the topic at this call has been handled; rejects if the following ends before. Handlers must not wait for it. */
  catchUp(): Promise<void>;
  /** Resolves with the cause if the following dies for good; never rejects. */
  readonly failed: Promise<Error>;
  /** Stops after the call in hand. Handlers must not wait for it. */
  close(): Promise<void>;
}

/** Thrown where trying again is pointless: the log is closed, the topic does not exist, a record is too large. */
export class EventLogError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EventLogError';
  }
}

/** The log cannot be opened or used, and the operator can mend it: a folder that is not writable, wrong credentials, a wrong policy. Exit code 2. */
export class EventLogOpenError extends EventLogError {
  readonly exitCode = 2;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EventLogOpenError';
  }
}

/**
 * An append-only, partitioned log: the only thing through which the apps' data flows.
 * Delivery is at least once and in order per partition; consumers keep their own offsets.
 *
 * Every method rejects with a plain Error where it is worth trying again (brokers that cannot be reached now), with EventLogError where it is not,
 * and with EventLogOpenError where the operator has to mend something first. A running consumption or following rides out what passes by itself.
 */
export abstract class EventLog {
  /**
   * Creates the topics that are missing. Rejects with EventLogOpenError when an existing one has another policy, fewer partitions, or timestamps
   * that are not the log's own.
   */
  abstract ensureTopics(topics: readonly TopicSpec[]): Promise<void>;
  /** Those of the topics that exist. */
  abstract topics(names: readonly string[]): Promise<readonly StoredTopic[]>;
  /** The number of partitions of an existing topic. */
  abstract partitions(topic: string): Promise<number>;
  /**
   * Resolves when every record is stored durably, and then reads their values no more. After a rejection some may be stored all the same:
   * appending them again may store them twice.
   */
  abstract append(topic: string, records: readonly OutgoingRecord[]): Promise<void>;
  /** Joins `group`: the topic's partitions are shared among its live members. Resolves when it has joined, which may be before the first `assigned`. */
  abstract consume(topic: string, group: string, handler: PartitionHandler): Promise<Consumption>;
  /** Reads every partition from `from`, and follows. */
  abstract follow(topic: string, from: 'beginning' | 'end', handler: RecordHandler): Promise<Following>;
  /** True while the log can be reached: for health pages. */
  abstract connected(): boolean;
  /** Ends every consumption and following, whose handlers may append until the last of them has returned; finishes the appends in flight; releases the log. */
  abstract close(): Promise<void>;
}
