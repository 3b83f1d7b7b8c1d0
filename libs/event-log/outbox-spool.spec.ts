import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeEvent, EventSource, type InferometerEvent } from '#libs/contracts';
import { EventLogError, EventLogOpenError, type EventLog, type OutgoingRecord } from './event-log.js';
import { Outbox, type OutboxOptions } from './outbox.js';
import { SpoolMemory, type DiskAnswer } from './spool.fixture.js';
import { Spool } from './spool.js';

const STARTED = 'io.inferometer.request.started.v1';
const TOKEN = 'io.inferometer.request.first_token.v1';
const PARTITIONS = 3;
/** Events of this type are refused by the log for good. */
const POISON = 'io.inferometer.aggregator.heartbeat.v1';
type OfferedType = typeof STARTED | typeof TOKEN | typeof POISON;
const TIMING: OutboxOptions = { flushMs: 10, patienceMs: 50, retryMs: 20, abandonMs: 3_000 };

type LogAnswer = 'stores' | 'fails' | 'stores, then fails' | 'stores late' | 'fails late' | 'hangs' | 'wrong password' | 'no such topic';

/** A log that does what it is told, append by append, then stores everything; it never takes a poisonous record. */
class ScriptedLog {
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
    if (answer.endsWith('late')) await new Promise((resolve) => setTimeout(resolve, 400));
    if (answer === 'fails late') throw new Error('broker away');
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
class Life {
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
async function until(condition: () => boolean, limitMs = 300_000): Promise<void> {
  for (let passed = 0; passed < limitMs && !condition(); passed += 10) await vi.advanceTimersByTimeAsync(10);
  expect(condition()).toBe(true);
}

const missing = (life: Life) => {
  const stored = new Set(life.shared.firsts());
  return life.offered.filter(({ id }) => !stored.has(id));
};

function countsOf(events: readonly { readonly type: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of events) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

/** Every partition's events came first in the order of their numbers. */
function expectInOrder(log: ScriptedLog, boot = 'boot'): void {
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const prefix = `g/${boot}/${partition}/`;
    const sequences = log
      .firsts()
      .filter((id) => id.startsWith(prefix))
      .map((id) => Number(id.slice(prefix.length)));
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('an outbox with a spool', () => {
  let log: ScriptedLog;
  let files: SpoolMemory;
  beforeEach(() => {
    log = new ScriptedLog();
    files = new SpoolMemory();
  });

  it('does not touch the disk while the log is there', async () => {
    const life = new Life(log, files);
    for (let round = 0; round < 20; round += 1) {
      life.offer(50);
      await vi.advanceTimersByTimeAsync(7);
      expect(life.outbox.spooled).toBe(0);
    }
    await until(() => life.waiting === 0);
    expect(life.outbox.spoolBytes).toBe(0);
    expect(log.stored).toHaveLength(1000);
  });

  it.each(['fails', 'hangs', 'wrong password', 'no such topic'] as const)(
    'keeps events on disk while the log %s, and sends them in order, each once, when it is back; then it is direct again',
    async (mood) => {
      const life = new Life(log, files, 'boot', { abandonMs: 200 });
      log.mood = mood;
      for (let round = 0; round < 100; round += 1) {
        life.offer(30);
        await vi.advanceTimersByTimeAsync(10);
        // Past the patience with the first batch, memory holds no more than what waits for company.
        expect(life.outbox.queued).toBeLessThanOrEqual(round > 10 ? 60 : 300);
      }
      expect(life.outbox.spooled).toBeGreaterThan(2900);
      expect([life.outbox.connected, life.outbox.dropped]).toEqual([false, 0]);
      log.mood = 'stores';
      await until(() => life.waiting === 0);
      expect(log.stored.map(({ id }) => id)).toEqual(life.offered.map(({ id }) => id));
      expect(life.outbox.connected).toBe(true);
      life.offer(10);
      await until(() => log.stored.length === 3010);
      expect(life.outbox.spooled).toBe(0);
    },
  );

  it('sends a batch whose answer comes late only once', async () => {
    const life = new Life(log, files);
    log.answers.push('stores late');
    life.offer(10);
    await vi.advanceTimersByTimeAsync(100);
    expect([life.outbox.queued, life.outbox.spooled]).toEqual([0, 10]);
    life.offer(5);
    await until(() => life.waiting === 0);
    expect(log.stored.map(({ id }) => id)).toEqual(life.offered.map(({ id }) => id));
  });

  it('sends what an earlier process left behind, first, as that process numbered it', async () => {
    log.mood = 'fails';
    const first = new Life(log, files, 'first');
    first.offer(100);
    await until(() => first.outbox.spooled === 100);
    expect(first.kill().size).toBe(0);
    log.mood = 'stores';
    const second = new Life(log, files, 'second');
    second.offer(10);
    await until(() => log.stored.length === 110);
    expect(log.stored.map(({ id }) => id)).toEqual([...first.offered, ...second.offered].map(({ id }) => id));
  });

  it('sends what it finds without being offered anything', async () => {
    log.mood = 'fails';
    const first = new Life(log, files, 'first');
    first.offer(10);
    await until(() => first.outbox.spooled === 10);
    first.kill();
    log.mood = 'stores';
    const second = new Life(log, files, 'second');
    await until(() => second.waiting === 0);
    expect(log.stored).toHaveLength(10);
  });

  it('goes on putting new events on disk while it catches up, so that they are not in memory for long', async () => {
    log.mood = 'fails';
    const first = new Life(log, files, 'first');
    first.offer(10_000);
    await until(() => first.outbox.spooled === 10_000);
    first.kill();
    log.mood = 'stores late';
    const second = new Life(log, files, 'second', { patienceMs: 1_000 });
    for (let round = 0; round < 100; round += 1) {
      second.offer(10);
      await vi.advanceTimersByTimeAsync(20);
      expect(second.outbox.queued).toBeLessThanOrEqual(20);
    }
    log.mood = 'stores';
    await until(() => second.waiting === 0);
    expect(log.stored.map(({ id }) => id)).toEqual([...first.offered, ...second.offered].map(({ id }) => id));
  });

  it('keeps the order while a slow disk takes its time', async () => {
    const life = new Life(log, files, 'boot', { patienceMs: 5 });
    for (let round = 0; round < 60; round += 1) {
      files.answers.push('slow');
      log.answers.push(round % 4 === 1 ? 'stores late' : round % 4 === 3 ? 'fails late' : 'stores');
      life.offer(25);
      await vi.advanceTimersByTimeAsync(17);
    }
    await until(() => life.waiting === 0);
    expect(log.firsts()).toEqual(life.offered.map(({ id }) => id));
  });

  it('takes up to its limit, then memory up to its capacity, then drops the newest, counted by type', async () => {
    const life = new Life(log, files, 'boot', { maxBytes: 100_000, capacity: 500 });
    log.mood = 'fails';
    for (let round = 0; round < 50; round += 1) {
      life.offer(20);
      life.offer(1, TOKEN);
      await vi.advanceTimersByTimeAsync(20);
    }
    const { queued, spooled, dropped, droppedByType, spoolBytes } = life.outbox;
    expect(queued).toBe(500);
    expect(spoolBytes).toBeLessThanOrEqual(100_000);
    expect(spooled + queued + dropped).toBe(1050);
    log.mood = 'stores';
    await until(() => life.waiting === 0);
    expect(log.firsts()).toEqual(life.offered.slice(0, spooled + queued).map(({ id }) => id));
    expect(droppedByType).toEqual(countsOf(missing(life)));
    expect(Object.keys(droppedByType)).toHaveLength(2);
  });

  it('drops an event that the log refuses for good alone, wherever it meets it', async () => {
    const life = new Life(log, files);
    life.offer(300);
    life.offer(1, POISON);
    life.offer(300);
    await until(() => life.waiting === 0);
    expect([log.stored.length, life.outbox.droppedByType]).toEqual([600, { [POISON]: 1 }]);
    log.mood = 'fails';
    life.offer(300);
    life.offer(1, POISON);
    life.offer(300);
    await until(() => life.outbox.spooled === 601);
    log.mood = 'stores';
    await until(() => life.waiting === 0);
    expect([log.stored.length, life.outbox.droppedByType, life.outbox.dropped]).toEqual([1200, { [POISON]: 2 }, 2]);
    expectInOrder(log);
  });

  it('leaves what is unsent in the spool when it is closed without the log, at once, and drops nothing', async () => {
    const life = new Life(log, files);
    log.mood = 'fails';
    life.offer(100);
    await until(() => life.outbox.spooled === 100);
    life.offer(50);
    let isClosed = false;
    void life.outbox.close(5_000).then(() => (isClosed = true));
    await until(() => isClosed, 100);
    expect([life.outbox.spooled, life.outbox.dropped]).toEqual([150, 0]);
    log.mood = 'stores';
    const second = new Life(log, files, 'second');
    await until(() => second.waiting === 0);
    expect(log.firsts()).toEqual(life.offered.map(({ id }) => id));
  });

  it('moves a batch without an answer to the spool when it is closed', async () => {
    const life = new Life(log, files);
    log.mood = 'hangs';
    life.offer(100);
    await vi.advanceTimersByTimeAsync(15);
    const closing = life.outbox.close(20);
    await vi.advanceTimersByTimeAsync(50);
    await closing;
    expect([life.outbox.spooled, life.outbox.dropped]).toEqual([100, 0]);
  });

  it('sends what it can from the spool before it closes', async () => {
    const life = new Life(log, files);
    log.mood = 'fails';
    life.offer(3000);
    await until(() => life.outbox.spooled === 3000);
    log.mood = 'stores';
    await until(() => life.outbox.connected);
    const closing = life.outbox.close(5_000);
    await vi.advanceTimersByTimeAsync(6_000);
    await closing;
    expect([log.stored.length, life.outbox.spooled]).toEqual([3000, 0]);
  });

  it('keeps events in memory where the disk fails too, and counts what is over', async () => {
    files.fill(true);
    const life = new Life(log, files, 'boot', { capacity: 1000 });
    log.mood = 'fails';
    for (let round = 0; round < 20; round += 1) {
      life.offer(100);
      await vi.advanceTimersByTimeAsync(20);
    }
    expect(life.outbox.queued + life.outbox.spooled + life.outbox.dropped).toBe(2000);
    expect(life.outbox.dropped).toBeGreaterThan(0);
    log.mood = 'stores';
    await until(() => life.waiting === 0);
    expect(log.firsts().length).toBe(2000 - life.outbox.dropped);
    expectInOrder(log);
  });

  it('leaves no timer behind', async () => {
    const life = new Life(log, files);
    log.mood = 'hangs';
    life.offer(10);
    await vi.advanceTimersByTimeAsync(100);
    const closing = life.outbox.close(100);
    await vi.advanceTimersByTimeAsync(200);
    await closing;
    expect(vi.getTimerCount()).toBe(0);
  });
});

type Step =
  | { readonly kind: 'offer'; readonly count: number; readonly type: OfferedType }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'mood'; readonly mood: LogAnswer }
  | { readonly kind: 'log'; readonly answer: LogAnswer }
  | { readonly kind: 'disk'; readonly answer: DiskAnswer }
  | { readonly kind: 'kill' };

const logAnswer = fc.constantFrom<LogAnswer>(
  'stores',
  'fails',
  'stores, then fails',
  'stores late',
  'fails late',
  'hangs',
  'wrong password',
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('offer' as const),
      count: fc.constantFrom(1, 3, 40, 700, 1500),
      type: fc.constantFrom<OfferedType>(STARTED, STARTED, STARTED, TOKEN, TOKEN, POISON),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 5, 10, 25, 60, 300, 2_000) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('mood' as const), mood: fc.oneof(logAnswer, fc.constant<LogAnswer>('no such topic')) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('log' as const), answer: logAnswer }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('disk' as const),
      answer: fc.constantFrom<DiskAnswer>('ok', 'fails', 'stores, then fails', 'slow', 'slow', 'slow'),
    }),
  },
);

async function take(next: Step, life: Life, files: SpoolMemory): Promise<void> {
  if (next.kind === 'offer') life.offer(next.type === POISON ? 1 : next.count, next.type);
  if (next.kind === 'pass') await vi.advanceTimersByTimeAsync(next.ms);
  if (next.kind === 'mood') life.shared.mood = next.mood;
  if (next.kind === 'log') life.shared.answers.push(next.answer);
  if (next.kind === 'disk') files.answers.push(next.answer);
}

async function heal(life: Life, files: SpoolMemory): Promise<void> {
  life.shared.mood = 'stores';
  life.shared.answers.length = 0;
  files.answers.length = 0;
  await until(() => life.waiting === 0);
}

/** fast-check prints the seed and the smallest failing script. */
describe('whatever the log and the disk do', () => {
  it.each([
    ['with room', { maxBytes: 1e9, capacity: 100_000 }],
    ['without much room', { maxBytes: 300_000, capacity: 1_000 }],
  ])('%s, every event is stored, in order of first arrival, or counted', async (_, limits) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const files = new SpoolMemory();
        const life = new Life(new ScriptedLog(), files, 'boot', limits);
        for (const next of steps) {
          await take(next, life, files);
          expect(life.outbox.queued).toBeLessThanOrEqual(limits.capacity);
          expect(life.outbox.spoolBytes).toBeLessThanOrEqual(limits.maxBytes);
        }
        await heal(life, files);
        const { [POISON]: poisonous = 0, ...lost } = countsOf(missing(life));
        const { [POISON]: refused = 0, ...dropped } = life.outbox.droppedByType;
        expect(dropped).toEqual(lost);
        expect(refused).toBeGreaterThanOrEqual(poisonous); // One that is on disk twice is refused twice.
        expect(life.outbox.dropped).toBe(refused + Object.values(dropped).reduce((sum, count) => sum + count, 0));
        expectInOrder(life.shared);
        await life.outbox.close(0);
      }),
      { numRuns: 150 },
    );
  });

  it('a kill loses nothing but what was in memory', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.array(step, { maxLength: 10 }), async (before, after) => {
        const files = new SpoolMemory();
        const first = new Life(new ScriptedLog(), files, 'first');
        for (const next of before) await take(next, first, files);
        const inMemory = first.kill();
        const second = new Life(first.shared, files, 'second');
        for (const next of after) await take(next, second, files);
        await heal(second, files);
        const lost = [...missing(first).filter(({ id }) => !inMemory.has(id)), ...missing(second)];
        expect(lost.filter(({ type }) => type !== POISON)).toEqual([]);
        expectInOrder(first.shared, 'first');
        expectInOrder(first.shared, 'second');
        await second.outbox.close(0);
      }),
      { numRuns: 150 },
    );
  });
});
