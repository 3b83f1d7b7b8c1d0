import type { InferometerEvent } from '#libs/contracts';
import { Producer } from './producer.js';

/** A heartbeat comes every second; three may be late, and five more seconds are given. */
const DEAD_AFTER_MS = 3 * 1000 + 5_000;
/** How long missing events are waited for. */
const GAP_PATIENCE_MS = 600_000;
/** How long a dead producer's numbers are remembered, so that its spool can still deliver. */
const REMEMBERED_MS = 86_400_000;
/** More producers than this in one partition are not a fleet but a fault: the oldest is forgotten. */
const MAX_PRODUCERS = 10_000;

/** The producers of one partition, by source and boot. Times are log time in Unix ms. */
export class Producers {
  private readonly byBoot = new Map<string, Map<string, Producer>>();
  private count = 0;
  /** Events missing from producers that are forgotten. */
  missingForgotten = 0;

  /** The producer of an event. The first word of a new boot ends the life of every older one of the same source. */
  of(event: InferometerEvent, logTimeMs: number): Producer {
    return this.byBoot.get(event.source)?.get(event.bootid) ?? this.welcome(event, logTimeMs);
  }

  *all(): Iterable<Producer> {
    for (const boots of this.byBoot.values()) yield* boots.values();
  }

  /** Replaces the producer of the same boot, if there is one. */
  insert(producer: Producer): void {
    const boots = this.byBoot.get(producer.source) ?? new Map<string, Producer>();
    if (!boots.has(producer.bootId)) this.count += 1;
    this.byBoot.set(producer.source, boots.set(producer.bootId, producer));
  }

  /** Events that producers numbered and that never came. */
  get missing(): number {
    let missing = this.missingForgotten;
    for (const producer of this.all()) missing += producer.sequences.missing;
    return missing;
  }

  /** Declares the silent dead, gives up old gaps, forgets the long dead. */
  housekeep(logTimeMs: number): void {
    for (const producer of this.all()) {
      if (producer.alive && logTimeMs - producer.lastHeartbeatMs > DEAD_AFTER_MS) producer.die();
      producer.abandonGaps(logTimeMs - GAP_PATIENCE_MS);
      if (!producer.alive && logTimeMs - producer.lastSeenMs > REMEMBERED_MS) this.forget(producer);
    }
  }

  /** The log's clock was set back to `timeMs`: nobody was heard of later than that, and no gap is waited for by the old clock. */
  turnBack(timeMs: number): void {
    for (const producer of this.all()) {
      producer.lastSeenMs = Math.min(producer.lastSeenMs, timeMs);
      producer.lastHeartbeatMs = Math.min(producer.lastHeartbeatMs, timeMs);
      producer.abandonGaps(Infinity);
    }
  }

  private welcome({ source, bootid, time }: InferometerEvent, logTimeMs: number): Producer {
    for (const older of this.byBoot.get(source)?.values() ?? []) {
      if (older.alive) older.die();
      if (older.succeededMs === 0) older.succeededMs = Date.parse(time);
    }
    if (this.count >= MAX_PRODUCERS) this.forgetOldest();
    const producer = new Producer(source, bootid);
    producer.lastHeartbeatMs = logTimeMs;
    this.insert(producer);
    return producer;
  }

  private forgetOldest(): void {
    let oldest: Producer | undefined;
    for (const producer of this.all()) if (!oldest || producer.lastSeenMs < oldest.lastSeenMs) oldest = producer;
    if (oldest) this.forget(oldest);
  }

  private forget(producer: Producer): void {
    if (producer.alive) producer.die();
    producer.abandonGaps(Infinity);
    this.missingForgotten += producer.sequences.missing;
    producer.forgetAll();
    this.drop(producer);
  }

  private drop({ source, bootId }: Producer): void {
    const boots = this.byBoot.get(source);
    if (boots?.delete(bootId)) this.count -= 1;
    if (boots?.size === 0) this.byBoot.delete(source);
  }
}
