import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeEvent, EventSource, type GatewayHeartbeat, type InferometerEvent, type RequestStarted } from '#libs/contracts';
import { until } from './contract/support.contract.js';
import { EventLog, EventLogError, type OutgoingRecord } from './event-log.js';
import { openEventLog } from './open.js';
import { Outbox } from './outbox.js';
import { partitionOf } from './partitioner.js';

const STARTED = 'io.inferometer.request.started.v1';
const started = (id: string): RequestStarted => ({
  request_id: id,
  operation: 'chat',
  model: 'm',
  stream: true,
  queue_ms: 1,
  upstream: '0',
});
const heartbeat: GatewayHeartbeat = {
  waiting: 0,
  running: 0,
  peak_running: 0,
  max_concurrent: 1,
  max_queue: 1,
  received_total: 0,
  spooled: 0,
  dropped: 0,
  version: '1.0.0',
};

/** A log that keeps what it is given, and whose next appends can be made to fail or to wait. */
class ScriptedLog {
  readonly attempts: string[][] = [];
  readonly stored: InferometerEvent[] = [];
  readonly answers: (Error | Promise<void>)[] = [];
  inFlight = 0;
  mostInFlight = 0;
  hasTopic = true;

  async append(_topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    this.attempts.push(records.map(({ key }) => key));
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    try {
      const answer = this.answers.shift();
      if (answer instanceof Error) throw answer;
      await answer;
      this.stored.push(...records.map(({ value }) => eventOf(value)));
    } finally {
      this.inFlight -= 1;
    }
  }

  async partitions(): Promise<number> {
    if (!this.hasTopic) throw new EventLogError('no such topic');
    return 2;
  }
}

function eventOf(value: Uint8Array | null): InferometerEvent {
  const decoded = decodeEvent(value);
  if (!decoded.ok) throw new Error(decoded.detail);
  return decoded.value;
}

describe('the outbox', () => {
  let log: ScriptedLog;
  let outbox: Outbox;
  const outboxOf = (options = {}) =>
    new Outbox(log as unknown as EventLog, 'requests', 2, new EventSource('/gateways/g', 'boot'), { flushMs: 1, ...options });
  const subjects = () => log.stored.map(({ subject }) => subject);
  const sequencesIn = (partition: number) =>
    log.stored.filter(({ subject }) => partitionOf(subject, 2) === partition).map(({ sequence }) => sequence);

  beforeEach(() => {
    log = new ScriptedLog();
    outbox = outboxOf();
  });
  afterEach(() => outbox.close(0));

  it('sends what is offered, by itself, numbered per partition from 1', async () => {
    for (let index = 0; index < 50; index += 1) outbox.offer(STARTED, `r${index}`, started(`r${index}`));
    expect(outbox.queued).toBe(50);
    await until('all are stored', () => log.stored.length === 50);
    expect(log.attempts).toHaveLength(1);
    expect(subjects()).toEqual(Array.from({ length: 50 }, (_, index) => `r${index}`));
    for (const partition of [0, 1]) expect(sequencesIn(partition)).toEqual(sequencesIn(partition).map((_, index) => index + 1));
    expect([outbox.queued, outbox.dropped, outbox.connected]).toEqual([0, 0, true]);
  });

  it('sends heartbeats to every partition, or to one', async () => {
    outbox.offerToEvery('io.inferometer.gateway.heartbeat.v1', 'g', heartbeat);
    outbox.offerTo(1, 'io.inferometer.gateway.heartbeat.v1', 'g', heartbeat);
    await outbox.flush();
    expect(log.stored.map(({ id }) => id)).toEqual(['g/boot/0/1', 'g/boot/1/1', 'g/boot/1/2']);
  });

  it('drops and counts when it is full, and leaves the number unused', async () => {
    outbox = outboxOf({ capacity: 3 });
    for (const key of ['a', 'a', 'a', 'a', 'a']) outbox.offer(STARTED, key, started(key));
    expect([outbox.queued, outbox.dropped]).toEqual([3, 2]);
    await outbox.flush();
    outbox.offer(STARTED, 'a', started('a'));
    await outbox.flush();
    expect(log.stored.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 6]);
  });

  it('has one batch in flight, of at most 2,000, in order', async () => {
    for (let index = 0; index < 4500; index += 1) outbox.offer(STARTED, `r${index}`, started(`r${index}`));
    await Promise.all([outbox.flush(), outbox.flush()]);
    expect(log.attempts.map((batch) => batch.length)).toEqual([2000, 2000, 500]);
    expect(log.mostInFlight).toBe(1);
    expect(subjects()).toEqual(Array.from({ length: 4500 }, (_, index) => `r${index}`));
  });

  it('sends again after a transient failure: nothing is skipped, reordered or sent twice beyond that', async () => {
    log.answers.push(new Error('broker away'));
    outbox.offer(STARTED, 'a', started('a'));
    const flushed = outbox.flush();
    await until('the first attempt has failed', () => !outbox.connected);
    outbox.offer(STARTED, 'b', started('b'));
    await flushed;
    expect(outbox.connected).toBe(true);
    await outbox.flush();
    expect(log.attempts).toEqual([['a'], ['a'], ['b']]);
    expect(subjects()).toEqual(['a', 'b']);
    expect(outbox.dropped).toBe(0);
  });

  it('drops and counts an event that the log refuses for good, alone', async () => {
    const refused = new EventLogError('too large');
    log.answers.push(refused, refused, refused, refused); // The batch, its first half, and the first event of that, twice.
    for (const key of ['a', 'b', 'c', 'd']) outbox.offer(STARTED, key, started(key));
    await outbox.flush();
    expect(log.attempts).toEqual([['a', 'b', 'c', 'd'], ['a', 'b'], ['a'], ['a'], ['b'], ['c', 'd']]);
    expect(subjects()).toEqual(['b', 'c', 'd']);
    expect([outbox.dropped, outbox.queued, outbox.connected]).toEqual([1, 0, true]);
    expect(outbox.droppedByType).toEqual({ [STARTED]: 1 });
  });

  it('keeps its events while the log refuses everything: it has no such topic', async () => {
    log.hasTopic = false;
    log.answers.push(new EventLogError('no such topic'));
    outbox.offer(STARTED, 'a', started('a'));
    outbox.offer(STARTED, 'b', started('b'));
    await until('it was tried', () => !outbox.connected);
    expect([outbox.dropped, outbox.queued]).toEqual([0, 2]);
    await outbox.flush();
    expect(subjects()).toEqual(['a', 'b']);
    expect([outbox.dropped, outbox.connected]).toEqual([0, true]);
  });

  it('tells a slow log from one that is there', async () => {
    vi.useFakeTimers();
    log.answers.push(new Promise<void>(() => {}));
    outbox.offer(STARTED, 'a', started('a'));
    await vi.advanceTimersByTimeAsync(900);
    expect(outbox.connected).toBe(true);
    await vi.advanceTimersByTimeAsync(200);
    expect(outbox.connected).toBe(false);
    vi.useRealTimers();
  });

  it('drops and counts an event that cannot be encoded or is too large, without its neighbours', async () => {
    const endless: Record<string, unknown> = { ...started('b') };
    endless['self'] = endless;
    outbox.offer(STARTED, 'a', started('a'));
    outbox.offer(STARTED, 'b', endless as unknown as RequestStarted);
    outbox.offer(STARTED, 'c', { ...started('c'), model: 'x'.repeat(2_000_000) });
    outbox.offer(STARTED, 'd', started('d'));
    await outbox.flush();
    expect(subjects()).toEqual(['a', 'd']);
    expect([outbox.dropped, outbox.queued]).toEqual([2, 0]);
  });

  it('sends what came in while it was sending, by itself', async () => {
    const first = Promise.withResolvers<void>();
    log.answers.push(first.promise);
    outbox.offer(STARTED, 'a', started('a'));
    await until('the first is being sent', () => log.inFlight === 1);
    outbox.offer(STARTED, 'b', started('b'));
    first.resolve();
    await until('the second is stored', () => log.stored.length === 2);
    expect(log.attempts).toEqual([['a'], ['b']]);
  });

  it('flush waits for what was offered before, not for what comes after', async () => {
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    log.answers.push(first.promise, second.promise);
    outbox.offer(STARTED, 'a', started('a'));
    const flushed = outbox.flush();
    outbox.offer(STARTED, 'b', started('b'));
    first.resolve();
    await flushed;
    expect(subjects()).toEqual(['a']);
    second.resolve();
    await outbox.flush();
    expect(subjects()).toEqual(['a', 'b']);
  });

  it('close sends what is left and then refuses, counting what it refuses', async () => {
    outbox.offer(STARTED, 'a', started('a'));
    await outbox.close();
    expect([subjects(), outbox.dropped]).toEqual([['a'], 0]);
    outbox.offer(STARTED, 'b', started('b'));
    await outbox.flush();
    await outbox.close();
    expect([subjects(), outbox.queued, outbox.dropped]).toEqual([['a'], 0, 1]);
  });

  it.each([
    ['an append that never ends', () => new Promise<void>(() => {})],
    ['a log that stays away', () => new Error('broker away')],
  ])('close keeps its deadline over %s, and counts what it gave up once', async (_, answer) => {
    log.answers.push(answer());
    for (const key of ['a', 'b', 'c']) outbox.offer(STARTED, key, started(key));
    const flushed = outbox.flush();
    await until('it is being tried', () => log.attempts.length === 1);
    await outbox.close(20);
    expect([outbox.queued, outbox.dropped]).toEqual([0, 3]);
    await Promise.race([flushed, new Promise((resolve) => setTimeout(resolve, 200))]);
    expect([outbox.queued, outbox.dropped, log.stored.length]).toEqual([0, 3, 0]);
  });

  it('does not count again what the log refuses after it was given up', async () => {
    const answer = Promise.withResolvers<void>();
    log.answers.push(answer.promise);
    outbox.offer(STARTED, 'a', started('a'));
    const flushed = outbox.flush();
    await outbox.close(5);
    answer.reject(new EventLogError('closed'));
    await flushed;
    await until('the append has ended', () => log.inFlight === 0);
    expect(outbox.dropped).toBe(1);
  });

  it('leaves no timer behind, whatever it was doing', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    log.answers.push(new Error('broker away'), new Error('broker away'));
    outbox.offer(STARTED, 'a', started('a'));
    await vi.advanceTimersByTimeAsync(10);
    expect([log.attempts.length, vi.getTimerCount()]).toEqual([1, 1]);
    const closing = outbox.close(1000);
    await vi.advanceTimersByTimeAsync(300);
    await closing;
    expect([subjects(), vi.getTimerCount()]).toEqual([['a'], 0]);

    outbox = outboxOf();
    log.answers.push(new Error('broker away'));
    outbox.offer(STARTED, 'b', started('b'));
    await vi.advanceTimersByTimeAsync(10);
    const givingUp = outbox.close(20);
    await vi.advanceTimersByTimeAsync(20);
    await givingUp;
    expect([outbox.dropped, vi.getTimerCount()]).toEqual([1, 0]);
    vi.useRealTimers();
  });

  it('leaves events alone that a log may still be storing, although it was given up and the next try was answered', async () => {
    outbox = outboxOf({ abandonMs: 20, retryMs: 1 });
    const hanging = Promise.withResolvers<void>();
    log.answers.push(hanging.promise);
    outbox.offer(STARTED, 'a', started('a'));
    await until('it was sent again', () => log.attempts.length === 2 && outbox.queued === 0);
    for (const name of ['b', 'c', 'd']) outbox.offer(STARTED, name, started(name));
    await outbox.flush();
    hanging.resolve();
    await until('the first try was answered', () => log.inFlight === 0);
    expect(subjects()).toEqual(['a', 'b', 'c', 'd', 'a']);
  });

  it('feeds a real log', async () => {
    const real = await openEventLog('memory:');
    await real.ensureTopics([{ name: 'requests', partitions: 2, policy: 'delete' }]);
    const box = new Outbox(real, 'requests', 2, new EventSource('/gateways/g', 'boot'));
    for (let index = 0; index < 20; index += 1) box.offer(STARTED, `r${index}`, started(`r${index}`));
    await box.close();
    const seen: string[] = [];
    const following = await real.follow('requests', 'beginning', {
      records: (_, records) => void seen.push(...records.map(({ value }) => eventOf(value).subject)),
    });
    await following.caughtUp;
    expect(seen.toSorted()).toEqual(Array.from({ length: 20 }, (_, index) => `r${index}`).toSorted());
    await real.close();
  });
});
