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
  of(source: string, bootId: string, logTimeMs: number): Producer {
    const found = this.byBoot.get(source)?.get(bootId);
    return found ?? this.welcome(source, bootId, logTimeMs);
  }

  *all(): Iterable<Producer> {
    for (const boots of this.byBoot.values()) yield* boots.values();
  }

  insert(producer: Producer): void {
    const boots = this.byBoot.get(producer.source) ?? new Map<string, Producer>();
    this.byBoot.set(producer.source, boots.set(producer.bootId, producer));
    this.count += 1;
  }

  /** Replaces everything by what a snapshot holds. */
  reset(producers: readonly Producer[], missingForgotten: number): void {
    this.byBoot.clear();
    this.count = 0;
    for (const producer of producers) this.insert(producer);
    this.missingForgotten = missingForgotten;
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
      if (producer.gapsSinceMs > 0 && logTimeMs - producer.gapsSinceMs > GAP_PATIENCE_MS) producer.abandonGaps();
      if (!producer.alive && logTimeMs - producer.lastSeenMs > REMEMBERED_MS) this.forget(producer);
    }
  }

  private welcome(source: string, bootId: string, logTimeMs: number): Producer {
    for (const older of this.byBoot.get(source)?.values() ?? []) if (older.alive) older.die();
    if (this.count >= MAX_PRODUCERS) this.forgetOldest();
    const producer = new Producer(source, bootId);
    producer.lastHeartbeatMs = logTimeMs;
    this.insert(producer);
    return producer;
  }

  private forgetOldest(): void {
    const [oldest] = [...this.all()].toSorted((a, b) => a.lastSeenMs - b.lastSeenMs);
    if (oldest) this.forget(oldest);
  }

  private forget(producer: Producer): void {
    if (producer.alive) producer.die();
    producer.abandonGaps();
    this.missingForgotten += producer.sequences.missing;
    producer.forgetAll();
    const boots = this.byBoot.get(producer.source);
    boots?.delete(producer.bootId);
    if (boots?.size === 0) this.byBoot.delete(producer.source);
    this.count -= 1;
  }
}
