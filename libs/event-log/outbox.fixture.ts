import { expect, vi } from 'vitest';
import { decodeEvent, EventSource, type InferometerEvent } from '#libs/contracts';
import { EventLogError, EventLogOpenError, type EventLog, type OutgoingRecord } from './event-log.js';
import { Outbox, type OutboxOptions } from './outbox.js';
import type { SpoolMemory } from './spool.fixture.js';
import { Spool } from './spool.js';

export const STARTED = 'io.inferometer.request.started.v1';
export const TOKEN = 'io.inferometer.request.first_token.v1';
const PARTITIONS = 3;
/** Events of this type are refused by the log for good. */
export const POISON = 'io.inferometer.aggregator.heartbeat.v1';
export type OfferedType = typeof STARTED | typeof TOKEN | typeof POISON;
const TIMING: OutboxOptions = { flushMs: 10, patienceMs: 50, retryMs: 20, abandonMs: 3_000 };

export type LogAnswer =
  | 'stores'
  | 'fails'
  | 'stores, then fails'
  | 'stores soon'
  | 'stores late'
  | 'fails soon'
  | 'fails late'
  | 'hangs'
  | 'wrong password'
  | 'no such topic';

/** A log that does what it is told, append by append, then stores everything; it never takes a poisonous record. */
export class ScriptedLog {
  readonly stored: InferometerEvent[] = [];
  readonly answers: LogAnswer[] = [];
  /** What it does when nothing is scripted. */
  mood: LogAnswer = 'stores';
  appends = 0;
  /** Set once the process that uses it was killed. */
  isCut = false;

  async append(_topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    this.appends += 1;
    const answer = this.answers.shift() ?? this.mood;
    if (answer === 'wrong password') throw new EventLogOpenError('wrong password');
    if (answer === 'no such topic') throw new EventLogError('no such topic');
    if (answer === 'fails') throw new Error('broker away');
    if (answer === 'hangs') await new Promise(() => {});
    // Soon is while the spool takes the batch, late is long after.
    if (answer.endsWith('soon')) await new Promise((resolve) => setTimeout(resolve, 60));
    if (answer.endsWith('late')) await new Promise((resolve) => setTimeout(resolve, 400));
    if (answer === 'fails soon' || answer === 'fails late') throw new Error('broker away');
    if (this.isCut) await new Promise(() => {});
    const events = records.map(({ value }) => eventOf(value));
    if (events.some(({ type }) => type === POISON)) throw new EventLogError('a record is refused');
    this.stored.push(...events);
    if (answer === 'stores, then fails') throw new Error('the answer was lost');
  }

  async partitions(): Promise<number> {
    if (this.mood === 'no such topic') throw new EventLogError('no such topic');
    return PARTITIONS;
  }

  /** The ids of what was stored, in the order in which each came first. */
  firsts(): string[] {
    return [...new Set(this.stored.map(({ id }) => id))];
  }
}

function eventOf(value: Uint8Array | null): InferometerEvent {
  const decoded = decodeEvent(value);
  if (!decoded.ok) throw new Error(decoded.detail);
  return decoded.value;
}

/** One life of a process that offers events. */
export class Life {
  readonly offered: { readonly id: string; readonly type: string }[] = [];
  readonly log: ScriptedLog;
  readonly spool: Spool;
  readonly outbox: Outbox;
  private readonly files: ReturnType<SpoolMemory['ofProcess']>;
  private readonly sequences = Array.from({ length: PARTITIONS }, () => 0);

  constructor(
    readonly shared: ScriptedLog,
    disk: SpoolMemory,
    private readonly boot = 'boot',
    options: OutboxOptions & { readonly maxBytes?: number } = {},
  ) {
    // Of its own, so that it can be cut off from what the next life shares with it.
    this.log = Object.create(shared) as ScriptedLog;
    this.files = disk.ofProcess();
    this.spool = Spool.on(this.files, { maxBytes: options.maxBytes ?? 1e9, retryMs: 100 });
    const source = new EventSource('/gateways/g', boot);
    this.outbox = new Outbox(this.log as unknown as EventLog, 'requests', PARTITIONS, source, { ...TIMING, spool: this.spool, ...options });
  }

  offer(count: number, type: OfferedType = STARTED): void {
    for (let index = 0; index < count; index += 1) {
      const partition = (this.offered.length + index) % PARTITIONS;
      const sequence = (this.sequences[partition]! += 1);
      const data = { request_id: 'r', operation: 'chat', model: 'm', stream: true };
      if (type === STARTED) this.outbox.offerTo(partition, STARTED, 'r', { ...data, queue_ms: 1, upstream: '0' });
      if (type === TOKEN) this.outbox.offerTo(partition, TOKEN, 'r', { ...data, ttft_ms: 1 });
      if (type === POISON) this.outbox.offerTo(partition, POISON, 'r', { version: '1' });
      this.offered.push({ id: `g/${this.boot}/${partition}/${sequence}`, type });
    }
  }

  /** What SIGKILL does: nothing of it acts any more. Answers the events that were in memory only. */
  kill(): ReadonlySet<string> {
    const inMemory = this.outbox.queued;
    this.log.isCut = true;
    this.files.kill();
    void this.outbox.close(0);
    return new Set(this.offered.slice(this.offered.length - inMemory).map(({ id }) => id));
  }

  get waiting(): number {
    return this.outbox.queued + this.outbox.spooled;
  }
}

/** Lets fake time pass until `condition` holds. */
export async function until(condition: () => boolean, limitMs = 300_000): Promise<void> {
  for (let passed = 0; passed < limitMs && !condition(); passed += 10) await vi.advanceTimersByTimeAsync(10);
  expect(condition()).toBe(true);
}

/** What of the life's events is not in the log. */
export const missing = (life: Life) => {
  const stored = new Set(life.shared.firsts());
  return life.offered.filter(({ id }) => !stored.has(id));
};

/** How many there are of each type. */
export function countsOf(events: readonly { readonly type: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of events) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

/** Every partition's events came first in the order of their numbers. */
export function expectInOrder(log: ScriptedLog, boot = 'boot'): void {
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const prefix = `g/${boot}/${partition}/`;
    const sequences = log
      .firsts()
      .filter((id) => id.startsWith(prefix))
      .map((id) => Number(id.slice(prefix.length)));
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
  }
}
