import { Bell } from './bell.js';
import { Deliveries, type DeliveryFigures } from './delivery.js';
import type { DropCounts } from './drop-counts.js';
import type { EventLog, OutgoingRecord } from './event-log.js';
import type { Spool, SpoolPlace } from './spool.js';

/** An event that waits in memory. */
export interface Parcel {
  readonly type: string;
  /** Undefined for an event that no log can take. The same record every time. */
  record(): OutgoingRecord | undefined;
}

export interface CourierOptions {
  /** Longest time that a parcel waits for company, in ms. */
  readonly flushMs: number;
  /** How long a batch may go without an answer before it is put into the spool too, in ms. */
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

/** kafkajs groups a batch in quadratic time, and one transaction of this size is well amortised. */
const MAX_BATCH = 1000;
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
  private readonly queue: Parcel[] = [];
  private readonly deliveries: Deliveries;
  private readonly spool: Spool | undefined;
  private readonly interrupt = new Bell();
  private changed = Promise.withResolvers<void>();
  private accepted = 0;
  private settled = 0;
  private timer: NodeJS.Timeout | undefined;
  private sending: Promise<void> | undefined;
  private spooling: Promise<void> | undefined;
  private inHand: InHand | undefined;
  private gaveUp = false;
  /** True from a failure, or a long silence, of the log until it has stored something. */
  private isAway = false;

  constructor(
    log: EventLog,
    topic: string,
    private readonly drops: DropCounts,
    private readonly options: CourierOptions,
  ) {
    const { abandonMs, patienceMs } = options;
    this.deliveries = new Deliveries(log, topic, drops, { abandonMs, patienceMs, onLate: () => this.loseInPatience() });
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
  push(parcel: Parcel): void {
    this.queue.push(parcel);
    this.accepted += 1;
    this.wakeLater();
  }

  /** Resolves when everything pushed so far is in the log, or in the spool, or was dropped. Never rejects. */
  async flush(): Promise<void> {
    const goal = this.accepted;
    while (this.settled < goal && !this.gaveUp) {
      const { promise } = this.changed;
      this.tick();
      await promise;
    }
  }

  /** See `Outbox.close`. Nothing may be pushed from now on. */
  async finish(deadlineMs: number): Promise<void> {
    await within(deadlineMs, async (expired) => {
      await this.flush();
      while (this.spooled > 0 && !this.isAway && !expired()) await this.changed.promise;
    });
    if (this.spool && this.queue.length > 0) {
      this.isAway = true;
      await within(LAST_STEP_MS, () => this.fillSpool());
    }
    clearTimeout(this.timer);
    this.gaveUp = true;
    this.interrupt.ring();
    this.deliveries.abandon();
    this.noteLost();
    for (const { type } of this.queue) this.drops.add(type);
    this.queue.length = 0;
    this.notify();
  }

  /** Sends what is queued now. What comes in meanwhile waits for company again, or else every event would be a batch of its own. */
  private tick(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.gaveUp) return;
    this.spool?.revive();
    this.noteLost();
    this.sending ??= this.send(this.accepted).finally(() => {
      this.sending = undefined;
      if (!this.gaveUp && this.queue.length + this.spooled > 0) this.wakeLater();
    });
    void this.fillSpool();
  }

  /** Sends until everything up to the `goal`th event is settled and the spool is empty. */
  private async send(goal: number): Promise<void> {
    let retryMs = this.options.retryMs;
    while (!this.gaveUp && (this.spooled > 0 || this.settled < goal)) {
      const outcome = this.spooled > 0 ? await this.sendSpooled() : await this.sendQueued(goal - this.settled);
      if (this.gaveUp) return;
      if (outcome === 'stored') {
        this.isAway = false;
        retryMs = this.options.retryMs;
      }
      if (outcome === 'failed') this.isAway = true;
      this.notify();
      if (outcome !== 'failed') continue;
      void this.fillSpool();
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
    if (this.spooling) {
      await this.spoolIdle();
      return 'nothing'; // They may be in the spool now, and have to be sent from there.
    }
    const records = this.takeRecords(Math.min(count, MAX_BATCH));
    if (records.length === 0) return 'nothing';
    const hand: InHand = { count: records.length, place: undefined };
    this.inHand = hand;
    const { done, problem } = await this.deliveries.ask(records);
    await this.spoolIdle(); // It may be moving this very batch.
    this.inHand = undefined;
    if (this.gaveUp) return 'nothing';
    if (hand.place === undefined) this.settle(done);
    else this.spool!.remove({ ...hand.place, at: hand.place.at + done });
    return problem ? 'failed' : 'stored';
  }

  private async spoolIdle(): Promise<void> {
    await this.spooling;
  }

  private noteLost(): void {
    this.drops.add('unknown', this.spool?.takeLost() ?? 0);
  }

  private wakeLater(): void {
    this.timer ??= setTimeout(() => this.tick(), this.options.flushMs);
  }

  private loseInPatience(): void {
    this.isAway = true;
    this.notify();
    void this.fillSpool();
  }

  /** Moves what is queued now to the spool, if it should be there: the log is away, or there is much on disk that has to be sent first. */
  private async fillSpool(): Promise<void> {
    this.spooling ??= this.moveToSpool(this.accepted).finally(() => {
      this.spooling = undefined;
    });
    await this.spooling;
  }

  private async moveToSpool(goal: number): Promise<void> {
    const { spool } = this;
    if (!spool) return;
    while ((this.isAway || spool.events > MAX_BATCH) && this.settled < goal && !this.gaveUp) {
      const hand = this.inHand?.place === undefined ? this.inHand : undefined;
      const records = hand ? this.queue.slice(0, hand.count).map((parcel) => parcel.record()!) : this.takeRecords(MAX_BATCH);
      if (records.length === 0) return;
      const place = await spool.append(records);
      if (this.gaveUp || place === undefined) return;
      if (hand) hand.place = place;
      this.settle(records.length);
    }
  }

  /** The first events as records, at most `count`. What no log can take is dropped, so that it does not spoil its whole batch. */
  private takeRecords(count: number): OutgoingRecord[] {
    const head = this.queue.slice(0, count);
    const fit = head.filter((parcel) => parcel.record() !== undefined);
    if (fit.length < head.length) {
      for (const parcel of head) if (!parcel.record()) this.drops.add(parcel.type);
      this.queue.splice(0, head.length, ...fit);
      this.settled += head.length - fit.length;
      this.notify();
    }
    return fit.map((parcel) => parcel.record()!);
  }

  /** The first `count` events have found their place. */
  private settle(count: number): void {
    this.queue.splice(0, count);
    this.settled += count;
    this.notify();
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
