import type { EventData, EventSource, EventType } from '#libs/contracts';
import { Courier } from './courier.js';
import type { DeliveryFigures } from './delivery.js';
import { DropCounts } from './drop-counts.js';
import { MAX_RECORD_BYTES, type EventLog } from './event-log.js';
import { partitionOf } from './partitioner.js';
import type { Spool } from './spool.js';

/** What UTF-8 takes at most for a unit of a string's length. */
const MAX_BYTES_PER_UNIT = 3;

export interface OutboxOptions {
  /** Events held in memory at most; the next one is dropped and counted. */
  readonly capacity?: number;
  /** Where events go while the log is away; without one they wait in memory. Whoever opened it closes it, after the outbox. */
  readonly spool?: Spool | undefined;
  /** Longest time that an event waits for company, in ms. */
  readonly flushMs?: number;
  /** How long a batch may go without an answer before it is put into the spool too, at most, in ms: 20 where the log usually answers within 5. */
  readonly patienceMs?: number;
  /** How long the first pause after a failure is, in ms; each further one is twice as long, up to 20 times. */
  readonly retryMs?: number;
  /** After how long without an answer a batch is sent again, in ms. */
  readonly abandonMs?: number;
}

/**
 * Numbers, queues and sends the events of one producer to one topic, in order; see Courier for the ways that they take.
 * `offer` is one bounded in-memory append: it never blocks and never throws. A full queue drops the event and counts it;
 * the number that it would have had stays unused, so that consumers see the gap.
 */
export class Outbox {
  private readonly capacity: number;
  private readonly courier: Courier;
  private readonly spool: Spool | undefined;
  private readonly drops = new DropCounts();
  private closing: Promise<void> | undefined;
  private offers = 0;

  /** `partitions` is their number as far as it is known; it may change. A key moves with it: see `partitionFor`. */
  constructor(
    log: EventLog,
    topic: string,
    public partitions: number,
    private readonly source: EventSource,
    options: OutboxOptions = {},
  ) {
    const { capacity = 100_000, spool, flushMs = 20, patienceMs = 250, retryMs = 100, abandonMs = 120_000 } = options;
    this.capacity = capacity;
    this.spool = spool;
    this.courier = new Courier(log, topic, this.drops, { spool, flushMs, patienceMs, retryMs, abandonMs });
  }

  /** Events that were offered since the start. */
  get offered(): number {
    return this.offers;
  }

  /** What became of what was sent since the start, from the spool too, which may hold events of an earlier start. */
  get delivered(): DeliveryFigures {
    return this.courier.delivered;
  }

  /** Events that were dropped since the start: there was no room, the log refused them for good, or `close` gave up. */
  get dropped(): number {
    return this.drops.total;
  }

  /** `dropped` by event type; `unknown` where the event could not be read any more. */
  get droppedByType(): Readonly<Record<string, number>> {
    return this.drops.byType;
  }

  /** Events that wait in memory. */
  get queued(): number {
    return this.courier.queued;
  }

  /** Events that wait on disk. */
  get spooled(): number {
    return this.courier.spooled;
  }

  /** Bytes of events on disk. */
  get spoolBytes(): number {
    return this.spool?.bytes ?? 0;
  }

  /** False from a failed append, or one that takes long, until one succeeds. */
  get connected(): boolean {
    return this.courier.connected;
  }

  /** The partition of `key` now. */
  partitionFor(key: string): number {
    return partitionOf(key, this.partitions);
  }

  /** Queues an event for the partition of `key`. */
  offer<T extends EventType>(type: T, key: string, data: EventData<T>, subject = key): void {
    this.offerTo(this.partitionFor(key), type, key, data, subject);
  }

  /** Queues one event for every partition: heartbeats. */
  offerToEvery<T extends EventType>(type: T, key: string, data: EventData<T>): void {
    for (let partition = 0; partition < this.partitions; partition += 1) this.offerTo(partition, type, key, data);
  }

  /** Queues an event for one partition, whatever its key. */
  offerTo<T extends EventType>(partition: number, type: T, key: string, data: EventData<T>, subject = key, traceparent?: string): void {
    this.offers += 1;
    // Written now, not when its turn comes: a batch written at once would hold up the requests of that moment.
    const text = this.written(type, partition, subject, data, traceparent);
    const hasRoom = this.courier.queued < this.capacity && !this.closing;
    if (text !== undefined && hasRoom && fits(key, text)) this.courier.push(type, partition, key, text);
    else this.drops.add(type);
  }

  /** Undefined if it cannot be written. */
  private written<T extends EventType>(
    type: T,
    partition: number,
    subject: string,
    data: EventData<T>,
    traceparent: string | undefined,
  ): string | undefined {
    try {
      return this.source.write(type, partition, subject, data, Date.now(), traceparent);
    } catch {
      return undefined;
    }
  }

  /** Resolves when everything offered so far is in the log, or in the spool, or was dropped. Never rejects. */
  flush(): Promise<void> {
    return this.courier.flush();
  }

  /**
   * Sends what is there, for at most `deadlineMs`, and stores in the spool what could not be sent, at once if the log is away.
   * What is stored nowhere then counts as dropped, as does what is offered afterwards. Never rejects.
   */
  close(deadlineMs = 5_000): Promise<void> {
    this.closing ??= this.courier.finish(deadlineMs);
    return this.closing;
  }
}

/** True if they are no larger together than a record may be. Mostly that can be seen without counting bytes. */
function fits(key: string, text: string): boolean {
  const units = key.length + text.length;
  return units * MAX_BYTES_PER_UNIT <= MAX_RECORD_BYTES || Buffer.byteLength(key) + Buffer.byteLength(text) <= MAX_RECORD_BYTES;
}
