import type { EventLog, OutgoingRecord } from '#libs/event-log';
import type { Random } from './plan.js';

/** All that an outbox asks of a log. */
export type Appendable = Pick<EventLog, 'append' | 'partitions'>;

const DUPLICATED = 0.1;
const DELAYED = 0.03;
const FARTHEST_MOVE = 30;
/** Few enough holes per partition for a consumer to remember them all. */
const MOST_HELD = 300;
const LARGEST_APPEND = 1_000;

/** Writes every record to a clean topic as it comes, and to a messy one out of order, some of them twice, some much later. */
export class MessyLog implements Appendable {
  duplicates = 0;
  private readonly held: OutgoingRecord[] = [];
  private readonly log: Appendable;
  private readonly clean: string;
  private readonly messy: string;
  private readonly random: Random;

  constructor(log: Appendable, clean: string, messy: string, random: Random) {
    this.log = log;
    this.clean = clean;
    this.messy = messy;
    this.random = random;
  }

  async append(_topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    await this.log.append(this.clean, records);
    await this.appendMessy(this.shuffled(this.mess(records)));
  }

  partitions(topic: string): Promise<number> {
    return this.log.partitions(topic);
  }

  /** Appends what is still held back. */
  settle(): Promise<void> {
    return this.appendMessy(this.held.splice(0));
  }

  private async appendMessy(records: readonly OutgoingRecord[]): Promise<void> {
    for (let from = 0; from < records.length; from += LARGEST_APPEND) {
      await this.log.append(this.messy, records.slice(from, from + LARGEST_APPEND));
    }
  }

  private mess(records: readonly OutgoingRecord[]): OutgoingRecord[] {
    const now: OutgoingRecord[] = [];
    for (const lent of records) {
      // What is held back outlives this append, and the value is only lent to that.
      const record = { ...lent, value: lent.value && Buffer.from(lent.value) };
      (this.random.chance(DELAYED) ? this.held : now).push(record);
      if (!this.random.chance(DUPLICATED)) continue;
      this.duplicates += 1;
      (this.random.chance(0.2) ? this.held : now).push(record);
    }
    if (this.held.length > MOST_HELD) now.push(...this.held.splice(0, this.held.length / 2));
    return now;
  }

  private shuffled(records: readonly OutgoingRecord[]): readonly OutgoingRecord[] {
    const moved = records.map((record, index) => ({ record, place: index + this.random.integer(0, FARTHEST_MOVE) }));
    return moved.toSorted((a, b) => a.place - b.place).map(({ record }) => record);
  }
}
