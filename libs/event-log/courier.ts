import { Bell } from './bell.js';
import { Deliveries, type DeliveryFigures } from './delivery.js';
import type { DropCounts } from './drop-counts.js';
import type { EventLog } from './event-log.js';
import { ParcelQueue } from './parcel-queue.js';
import type { SpoolPlace } from './spool-batch.js';
import type { Spool } from './spool.js';

export interface CourierOptions {
  /** Longest time that a parcel waits for company, in ms. */
  readonly flushMs: number;
  /** How long a batch may go without an answer, at most, before it is put into the spool too, in ms: see `DeliveryOptions`. */
  readonly patienceMs: number;
  /** How long the first pause after a failure is, in ms; each further one is twice as long, up to 20 times. */
  readonly retryMs: number;
  /** After how long without an answer a batch is sent again, in ms. */
  readonly abandonMs: number;
  readonly spool: Spool | undefined;
}

/** The batch from the head of the queue that the log has in hand. `place` is where it stands in the spool, once it has been moved there. */
interface InHand {
  readonly count: number;
  place: SpoolPlace | undefined;
}

/** What became of one step of sending; `nothing` says nothing about the log. */
type Outcome = 'stored' | 'failed' | 'nothing';

/** One request, or one transaction, of this size is well amortised. */
const MAX_BATCH = 2000;
/** The longest pause, in first ones. */
const LONGEST_PAUSE = 20;
/** What the last step of `finish` may take: storing what is left in the spool. */
const LAST_STEP_MS = 2_000;

/**
 * Carries parcels from memory to the log, in order, one batch in flight, its retries included. While the log is away they move on to the spool as soon
 * as they are flushed, and are sent from there, the oldest first, when it is back. A parcel leaves memory when the log or the spool has stored it, and
 * leaves the spool when the log has: it may be stored twice, never not at all.
 */
export class Courier {
  private readonly queue: ParcelQueue;
  private readonly deliveries: Deliveries;
  private readonly spool: Spool | undefined;
  private readonly interrupt = new Bell();
  private changed = Promise.withResolvers<void>();
  private timer: NodeJS.Timeout | undefined;
  private sending: Promise<void> | undefined;
  private spooling: Promise<void> | undefined;
  private inHand: InHand | undefined;
  /** Up to which event the spool is to be filled. */
  private spoolGoal = 0;
  private gaveUp = false;
  /** Until the log has stored something, and again from a failure or a late answer until it does. What is queued meanwhile goes to the disk at once. */
  private inDoubt = true;

  constructor(
    log: EventLog,
    topic: string,
    private readonly drops: DropCounts,
    private readonly options: CourierOptions,
  ) {
    const { abandonMs, patienceMs } = options;
    const [onLate, onGone] = [() => this.doubt(), () => this.notify()];
    this.deliveries = new Deliveries(log, topic, drops, { abandonMs, patienceMs, onLate, onGone });
    this.queue = new ParcelQueue(drops, () => this.notify());
    this.spool = options.spool;
    if (this.spooled > 0) this.wakeLater();
  }

  /** Parcels in memory. */
  get queued(): number {
    return this.queue.length;
  }

  /** Parcels on disk. */
  get spooled(): number {
    return this.spool?.events ?? 0;
  }

  get connected(): boolean {
    return this.deliveries.connected;
  }

  get delivered(): DeliveryFigures {
    return this.deliveries.figures;
  }

  /** Never blocks, never throws. */
  push(type: string, partition: number, key: string, text: string): void {
    this.queue.push(type, partition, key, text);
    this.wakeLater();
  }

  /** Resolves when everything pushed so far is in the log, or in the spool, or was dropped. Never rejects. */
  async flush(): Promise<void> {
    const goal = this.queue.accepted;
    while (this.queue.settled < goal && !this.gaveUp) {
      const { promise } = this.changed;
      this.tick();
      await promise;
    }
  }

  /** See `Outbox.close`. Nothing may be pushed from now on. */
  async finish(deadlineMs: number): Promise<void> {
    await within(deadlineMs, async (expired) => {
      await this.flush();
      while (this.spooled > 0 && this.connected && !expired()) await this.changed.promise;
    });
    if (this.spool && this.queue.length > 0) {
      this.inDoubt = true;
      await within(LAST_STEP_MS, () => this.fillSpool());
    }
    clearTimeout(this.timer);
    this.gaveUp = true;
    this.interrupt.ring();
    this.deliveries.abandon();
    this.noteLost();
    this.queue.dropAll();
  }

  /** Sends what is queued now. What comes in meanwhile waits for company again, or else every event would be a batch of its own. */
  private tick(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.gaveUp) return;
    this.spool?.revive();
    this.noteLost();
    this.sending ??= this.send(this.queue.accepted).finally(() => {
      this.sending = undefined;
      if (!this.gaveUp && this.queue.length + this.spooled > 0) this.wakeLater();
    });
    void this.fillSpool();
  }

  /** Sends until everything up to the `goal`th event is settled and the spool is empty. */
  private async send(goal: number): Promise<void> {
    let retryMs = this.options.retryMs;
    while (!this.gaveUp && (this.spooled > 0 || this.queue.settled < goal)) {
      const outcome = this.spooled > 0 ? await this.sendSpooled() : await this.sendQueued(goal - this.queue.settled);
      if (this.gaveUp) return;
      if (outcome === 'stored') {
        this.inDoubt = false;
        retryMs = this.options.retryMs;
      }
      this.notify();
      if (outcome !== 'failed') continue;
      this.doubt();
      await this.interrupt.wait(retryMs);
      retryMs = Math.min(retryMs * 2, this.options.retryMs * LONGEST_PAUSE);
    }
  }

  private async sendSpooled(): Promise<Outcome> {
    const spool = this.spool!;
    const batch = await spool.peek(MAX_BATCH);
    if (this.gaveUp) return 'nothing';
    if (batch === undefined) return await this.interrupt.wait(this.options.retryMs).then(() => 'nothing');
    const { done, problem } = await this.deliveries.ask(batch.records);
    if (this.gaveUp) return 'nothing';
    if (!problem) this.drops.add('unknown', batch.unreadable);
    const at = problem ? (batch.records[done]?.at ?? batch.next.at) : batch.next.at;
    spool.remove({ ...batch.next, at });
    return problem ? 'failed' : 'stored';
  }

  /** Sends from the head of the queue, at most `count` events. */
  private async sendQueued(count: number): Promise<Outcome> {
    if (this.isSpooling) {
      await this.spooling;
      return 'nothing'; // They may be in the spool now, and have to be sent from there.
    }
    const records = this.queue.records(Math.min(count, MAX_BATCH));
    if (records.length === 0) return 'nothing';
    const hand: InHand = { count: records.length, place: undefined };
    this.inHand = hand;
    const { done, problem, isClean } = await this.deliveries.ask(records);
    while (this.spooling) await this.spooling; // It may be moving this very batch.
    this.inHand = undefined;
    if (this.gaveUp) return 'nothing';
    if (hand.place !== undefined) this.spool!.remove({ ...hand.place, at: hand.place.at + done });
    else this.settle(done, isClean ? 0 : records.length);
    return problem ? 'failed' : 'stored';
  }

  private get isSpooling(): boolean {
    return this.spooling !== undefined;
  }

  private noteLost(): void {
    this.drops.add('unknown', this.spool?.takeLost() ?? 0);
  }

  private wakeLater(): void {
    this.timer ??= setTimeout(() => this.tick(), this.options.flushMs);
  }

  private doubt(): void {
    this.inDoubt = true;
    void this.fillSpool();
  }

  /** Moves what is queued now to the spool, if it should be there: the log is in doubt, or there is much on disk that has to be sent first. */
  private fillSpool(): Promise<void> {
    this.spoolGoal = this.queue.accepted;
    this.spooling ??= this.moveToSpool();
    return this.spooling;
  }

  private async moveToSpool(): Promise<void> {
    while (await this.moveBatch());
    this.spooling = undefined;
  }

  /** False if there is nothing to move, or no place for it. */
  private async moveBatch(): Promise<boolean> {
    const { spool } = this;
    if (!spool || this.gaveUp || this.queue.settled >= this.spoolGoal) return false;
    if (!this.inDoubt && spool.events <= MAX_BATCH) return false;
    const hand = this.inHand?.place === undefined ? this.inHand : undefined;
    const records = this.queue.records(hand?.count ?? MAX_BATCH);
    if (records.length === 0) return false;
    const place = await spool.append(records);
    if (this.gaveUp || place === undefined) return false;
    if (hand) hand.place = place;
    this.settle(records.length, records.length); // The log may have them in hand.
    return true;
  }

  /** The first `count` are settled; of the first `lent` somebody may still read the records. */
  private settle(count: number, lent: number): void {
    this.queue.lend(lent);
    this.queue.settle(count);
  }

  private notify(): void {
    this.changed.resolve();
    this.changed = Promise.withResolvers();
  }
}

/** Resolves when `work` is done, or after `limitMs`. */
async function within(limitMs: number, work: (expired: () => boolean) => Promise<void>): Promise<void> {
  const limit = new Bell();
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    limit.ring();
  }, limitMs);
  await Promise.race([work(() => isOver), limit.wait()]);
  isOver = true;
  clearTimeout(timer);
}
