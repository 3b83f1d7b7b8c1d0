import { encodeEvent, type EventData, type EventSource, type EventType, type InferometerEvent } from '#libs/contracts';
import { EventLogError, type EventLog, type OutgoingRecord } from './event-log.js';
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
 * the number that it would have had stays unused, so that consumers see the gap.
 */
export class Outbox {
  private readonly queue: Queued[] = [];
  private droppedEvents = 0;
  private timer: NodeJS.Timeout | undefined;
  private sending: Promise<void> | undefined;
  private giveUp = false;
  private reachable = true;
  private readonly capacity: number;
  private readonly flushMs: number;

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

  /** Events that were dropped since the start. */
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

  /** Queues an event for the partition of `key`, which is its subject too. */
  offer<T extends EventType>(type: T, key: string, data: EventData<T>): void {
    this.add(type, partitionOf(key, this.partitions), key, data);
  }

  /** Queues one event for every partition: heartbeats. */
  offerToEvery<T extends EventType>(type: T, key: string, data: EventData<T>): void {
    for (let partition = 0; partition < this.partitions; partition += 1) this.add(type, partition, key, data);
  }

  /** Resolves when everything offered so far is stored, or was given up by `close`. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.sending ??= this.send().finally(() => {
      this.sending = undefined;
    });
    await this.sending;
  }

  /** Flushes for at most `deadlineMs`; what could not be stored by then counts as dropped. */
  async close(deadlineMs = 5_000): Promise<void> {
    const deadline = setTimeout(() => {
      this.giveUp = true;
    }, deadlineMs);
    await this.flush();
    clearTimeout(deadline);
  }

  private add<T extends EventType>(type: T, partition: number, key: string, data: EventData<T>): void {
    const event = this.source.stamp(type, partition, key, data, Date.now()) as InferometerEvent;
    if (this.queue.length >= this.capacity) {
      this.droppedEvents += 1;
      return;
    }
    this.queue.push({ partition, key, event });
    this.timer ??= setTimeout(() => void this.flush(), this.flushMs);
  }

  private async send(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (this.queue.length > 0) {
      const batch = this.queue.slice(0, MAX_BATCH);
      const done = this.giveUp || (await this.store(batch.map(recordOf)));
      if (this.giveUp) this.droppedEvents += batch.length;
      if (done) {
        this.queue.splice(0, batch.length);
        retryMs = FIRST_RETRY_MS;
      } else {
        await new Promise((resolve) => setTimeout(resolve, retryMs));
        retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
      }
    }
  }

  /** True if the batch is settled: stored, or refused for good and counted as dropped. */
  private async store(records: readonly OutgoingRecord[]): Promise<boolean> {
    try {
      await this.log.append(this.topic, records);
      this.reachable = true;
      return true;
    } catch (error) {
      this.reachable = false;
      const hopeless = error instanceof EventLogError;
      if (hopeless) this.droppedEvents += records.length;
      return hopeless;
    }
  }
}

function recordOf({ partition, key, event }: Queued): OutgoingRecord {
  return { partition, key, value: encodeEvent(event) };
}
