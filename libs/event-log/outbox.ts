import { encodeEvent, type EventData, type EventSource, type EventType, type InferometerEvent } from '#libs/contracts';
import { Bell } from './bell.js';
import { EventLogError, MAX_RECORD_BYTES, type EventLog, type OutgoingRecord } from './event-log.js';
import { partitionOf } from './partitioner.js';

export interface OutboxOptions {
  /** Events held at most; the next one is dropped and counted. */
  readonly capacity?: number;
  /** Longest time that an event waits for company, in ms. */
  readonly flushMs?: number;
}

interface Queued {
  readonly partition: number;
  readonly key: string;
  readonly event: InferometerEvent;
}

/** kafkajs groups a batch in quadratic time, and one transaction of this size is well amortised. */
const MAX_BATCH = 1000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

/**
 * Numbers, queues and sends the events of one producer to one topic, in order, one batch in flight, its retries included.
 * `offer` is one bounded in-memory append: it never blocks and never throws. A full queue drops the event and counts it;
 * the number that it would have had stays unused, so that consumers see the gap. An event must not be changed after it was offered.
 */
export class Outbox {
  private readonly queue: Queued[] = [];
  private readonly capacity: number;
  private readonly flushMs: number;
  private readonly interrupt = new Bell();
  private droppedEvents = 0;
  private accepted = 0;
  private settled = 0;
  private timer: NodeJS.Timeout | undefined;
  private sending: Promise<void> | undefined;
  private closing: Promise<void> | undefined;
  private gaveUp = false;
  private reachable = true;

  constructor(
    private readonly log: EventLog,
    private readonly topic: string,
    private readonly partitions: number,
    private readonly source: EventSource,
    options: OutboxOptions = {},
  ) {
    this.capacity = options.capacity ?? 100_000;
    this.flushMs = options.flushMs ?? 10;
  }

  /** Events that were dropped since the start: the queue was full, the log refused them for good, or `close` gave up. */
  get dropped(): number {
    return this.droppedEvents;
  }

  /** Events that wait to be stored. */
  get queued(): number {
    return this.queue.length;
  }

  /** False from a failed append until one succeeds. */
  get connected(): boolean {
    return this.reachable;
  }

  /** Queues an event for the partition of `key`. */
  offer<T extends EventType>(type: T, key: string, data: EventData<T>, subject = key): void {
    this.offerTo(partitionOf(key, this.partitions), type, key, data, subject);
  }

  /** Queues one event for every partition: heartbeats. */
  offerToEvery<T extends EventType>(type: T, key: string, data: EventData<T>): void {
    for (let partition = 0; partition < this.partitions; partition += 1) this.offerTo(partition, type, key, data);
  }

  /** Queues an event for one partition, whatever its key. */
  offerTo<T extends EventType>(partition: number, type: T, key: string, data: EventData<T>, subject = key): void {
    const event = this.source.stamp(type, partition, subject, data, Date.now()) as InferometerEvent;
    if (this.queue.length >= this.capacity || this.closing) {
      this.droppedEvents += 1;
      return;
    }
    this.queue.push({ partition, key, event });
    this.accepted += 1;
    if (!this.sending) this.timer ??= setTimeout(() => void this.run(), this.flushMs);
  }

  /** Resolves when everything offered so far is stored or was dropped. Never rejects. */
  async flush(): Promise<void> {
    const goal = this.accepted;
    while (this.settled < goal && !this.gaveUp) await this.run();
  }

  /** Flushes for at most `deadlineMs`; what is not known to be stored by then counts as dropped, as does what is offered afterwards. Never rejects. */
  close(deadlineMs = 5_000): Promise<void> {
    this.closing ??= this.finish(deadlineMs);
    return this.closing;
  }

  private async finish(deadlineMs: number): Promise<void> {
    const deadline = new Bell();
    const timer = setTimeout(() => deadline.ring(), deadlineMs);
    await Promise.race([this.flush(), deadline.wait()]);
    clearTimeout(timer);
    clearTimeout(this.timer);
    this.gaveUp = true;
    this.interrupt.ring();
    this.droppedEvents += this.queue.length;
    this.queue.length = 0;
  }

  /** Sends what is queued now. What comes in meanwhile waits for company again, or else every event would be a batch of its own. */
  private run(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.sending ??= this.send(this.queue.length).finally(() => {
      this.sending = undefined;
      if (this.queue.length > 0) this.timer = setTimeout(() => void this.run(), this.flushMs);
    });
    return this.sending;
  }

  private async send(count: number): Promise<void> {
    let left = count;
    let retryMs = FIRST_RETRY_MS;
    while (left > 0 && !this.gaveUp) {
      const batch = Math.min(left, MAX_BATCH);
      if (await this.store(batch)) {
        left -= batch;
        retryMs = FIRST_RETRY_MS;
      } else {
        await this.interrupt.wait(retryMs);
        retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
      }
    }
  }

  /** Stores the first `count` events. False if they have to be tried again. */
  private async store(count: number): Promise<boolean> {
    const records = this.queue.slice(0, count).flatMap(recordsOf);
    let lost = count - records.length;
    try {
      await this.log.append(this.topic, records);
      this.reachable = true;
    } catch (error) {
      this.reachable = false;
      if (!(error instanceof EventLogError)) return false;
      lost = count;
    }
    if (this.gaveUp) return true; // They are counted already.
    this.queue.splice(0, count);
    this.settled += count;
    this.droppedEvents += lost;
    return true;
  }
}

/** None for an event that no log can take, so that it does not spoil its whole batch. */
function recordsOf({ partition, key, event }: Queued): readonly OutgoingRecord[] {
  try {
    const value = encodeEvent(event);
    return value.byteLength + Buffer.byteLength(key) > MAX_RECORD_BYTES ? [] : [{ partition, key, value }];
  } catch {
    return [];
  }
}
