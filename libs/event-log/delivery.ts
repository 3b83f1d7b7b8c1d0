import { asError } from './as-error.js';
import { EVENT_TYPES } from '#libs/contracts/writing';
import { Bell } from './bell.js';
import type { DropCounts } from './drop-counts.js';
import { EventLogError, EventLogOpenError, type EventLog, type OutgoingRecord } from './event-log.js';

/** How far a delivery came: the first `done` records are stored, or were refused for good; `problem` is why the rest is not, and worth trying again. */
export interface Delivered {
  readonly done: number;
  readonly problem?: Error;
  /** The log has taken all of them in one go: it reads none of them any more. */
  readonly isClean?: boolean;
}

export interface DeliveryOptions {
  /** After this time without an answer `onLate` is called, in ms, or sooner: after four times as long as answers usually take, but no less than 20 ms. */
  readonly patienceMs: number;
  readonly onLate: () => void;
  /** Called when `connected` becomes false for want of an answer. */
  readonly onGone: () => void;
  /** After this time without an answer a delivery counts as failed, in ms. */
  readonly abandonMs: number;
}

/** What became of all deliveries since the start. A record that was refused for good is not stored. */
export interface DeliveryFigures {
  readonly stored: number;
  readonly batches: number;
  readonly failures: number;
  /** How long their answers took, all in all. */
  readonly seconds: number;
}

/** A log that takes longer than this over a delivery counts as away. */
const SLOW_MS = 1_000;
const LEAST_PATIENCE_MS = 20;
const TYPES: ReadonlySet<string> = new Set(EVENT_TYPES);

/** Deliveries to one topic, one at a time. */
export class Deliveries {
  private isReachable = true;
  /** How long an answer takes: a moving average. */
  private usualMs = 0;
  private gone = new Bell();
  private current: DeliveryFigures = { stored: 0, batches: 0, failures: 0, seconds: 0 };

  constructor(
    private readonly log: EventLog,
    private readonly topic: string,
    private readonly drops: DropCounts,
    private readonly options: DeliveryOptions,
  ) {}

  /** False from a failed delivery, or one that takes long, until one succeeds. */
  get connected(): boolean {
    return this.isReachable;
  }

  get figures(): DeliveryFigures {
    return this.current;
  }

  /** Drops and counts what the log refuses for good. A delivery that was abandoned may be carried out in the end all the same. Never rejects. */
  async ask(records: readonly OutgoingRecord[]): Promise<Delivered> {
    if (records.length === 0) return { done: 0 };
    const { onLate, abandonMs } = this.options;
    let isOver = false;
    let refusals = 0;
    const refused = ({ value }: OutgoingRecord): void => {
      if (isOver) return;
      refusals += 1;
      this.drops.addRecord(value, TYPES);
    };
    const askedAtMs = performance.now();
    this.gone = new Bell();
    const late = setTimeout(onLate, this.patienceMs);
    const slow = setTimeout(() => this.lose(), SLOW_MS);
    const abandoned = this.gone.wait(abandonMs).then((): Delivered => ({ done: 0, problem: new Error('no answer') }));
    const result = await Promise.race([deliver(this.log, this.topic, records, refused), abandoned]);
    isOver = true;
    this.gone.ring();
    clearTimeout(late);
    clearTimeout(slow);
    this.isReachable = !result.problem;
    this.count(result, refusals, performance.now() - askedAtMs);
    return result;
  }

  /** Ends the waiting for the delivery under way. */
  abandon(): void {
    this.gone.ring();
  }

  private get patienceMs(): number {
    return Math.min(this.options.patienceMs, Math.max(LEAST_PATIENCE_MS, 4 * this.usualMs));
  }

  private lose(): void {
    this.isReachable = false;
    this.options.onGone();
  }

  private count({ done, problem }: Delivered, refusals: number, tookMs: number): void {
    const { current } = this;
    if (!problem) this.usualMs += (Math.min(tookMs, this.options.patienceMs) - this.usualMs) / 8; // One that hung says little of the others.
    this.current = {
      stored: current.stored + done - refusals,
      batches: current.batches + 1,
      failures: current.failures + (problem ? 1 : 0),
      seconds: current.seconds + tookMs / 1000,
    };
  }
}

/**
 * Stores the records in order. A record that the log refuses for good goes to `refused`, alone: the batch is halved until it is found.
 * A log that refuses whatever comes, because it is closed or has no such topic, refuses no record. Never rejects.
 */
async function deliver(
  log: EventLog,
  topic: string,
  records: readonly OutgoingRecord[],
  refused: (record: OutgoingRecord) => void,
  isLastTry = false,
): Promise<Delivered> {
  try {
    await log.append(topic, records);
    return { done: records.length, isClean: true };
  } catch (error) {
    const cause = asError(error);
    if (!(await isRecordsFault(log, topic, cause))) return { done: 0, problem: cause };
  }
  if (records.length === 1) {
    // Once more: the topic may have been made between the refusal and the question.
    if (!isLastTry) return { ...(await deliver(log, topic, records, refused, true)), isClean: false };
    refused(records[0]!);
    return { done: 1 };
  }
  const middle = records.length >> 1;
  const left = await deliver(log, topic, records.slice(0, middle), refused);
  if (left.problem) return left;
  const right = await deliver(log, topic, records.slice(middle), refused);
  return { ...right, done: left.done + right.done, isClean: false };
}

async function isRecordsFault(log: EventLog, topic: string, cause: Error): Promise<boolean> {
  if (!(cause instanceof EventLogError) || cause instanceof EventLogOpenError) return false;
  try {
    await log.partitions(topic);
    return true;
  } catch {
    return false;
  }
}
