import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { countsOf, expectInOrder, Life, missing, POISON, ScriptedLog, TOKEN, until } from './outbox.fixture.js';
import { SpoolMemory } from './spool.fixture.js';

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

  it('has events on disk 20 ms after a log that usually answers at once has fallen silent', async () => {
    const life = new Life(log, files, 'boot', { patienceMs: 250 });
    for (let round = 0; round < 20; round += 1) {
      life.offer(10);
      await vi.advanceTimersByTimeAsync(20);
    }
    expect([log.stored.length, life.outbox.spooled]).toEqual([200, 0]);
    log.mood = 'hangs';
    life.offer(10);
    await vi.advanceTimersByTimeAsync(15); // They were sent after 10.
    life.offer(10);
    await vi.advanceTimersByTimeAsync(16);
    expect([life.outbox.queued, life.outbox.spooled]).toEqual([0, 20]);
  });

  it('has no more patience with a log that has not answered since the start', async () => {
    log.mood = 'hangs';
    const life = new Life(log, files, 'boot', { patienceMs: 250 });
    life.offer(10);
    await vi.advanceTimersByTimeAsync(11);
    expect([life.outbox.queued, life.outbox.spooled]).toEqual([0, 10]);
  });

  it('leaves the disk alone where the log is slow as a rule', async () => {
    const life = new Life(log, files, 'boot', { patienceMs: 1_000 });
    log.mood = 'stores soon';
    const seen: number[] = [];
    for (let round = 0; round < 60; round += 1) {
      life.offer(10);
      await vi.advanceTimersByTimeAsync(60);
      seen.push(life.outbox.spooled);
      await vi.advanceTimersByTimeAsync(20);
    }
    expect(Math.max(...seen.slice(0, 3))).toBeGreaterThan(0);
    expect(Math.max(...seen.slice(30))).toBe(0);
  });

  it('moves what comes in while a slow disk is at work, though nothing comes after it', async () => {
    const life = new Life(log, files, 'boot', { abandonMs: 120_000 });
    log.mood = 'hangs';
    life.offer(10);
    await until(() => life.outbox.spooled === 10);
    files.answers.push('slow');
    life.offer(10);
    await vi.advanceTimersByTimeAsync(11);
    life.offer(5);
    await vi.advanceTimersByTimeAsync(100);
    expect([life.outbox.queued, life.outbox.spooled]).toEqual([0, 25]);
  });

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

  it.each(['stores soon', 'fails soon'] as const)('loses nothing where the log %s, while the spool takes the batch', async (answer) => {
    const life = new Life(log, files);
    log.answers.push(answer);
    files.answers.push('slow');
    life.offer(10);
    await vi.advanceTimersByTimeAsync(65);
    life.offer(20);
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

  it('sends from the spool before it closes though the log is late, and does not wait for one that is silent', async () => {
    const life = new Life(log, files);
    log.mood = 'stores late';
    life.offer(1500);
    const closing = life.outbox.close(5_000);
    await vi.advanceTimersByTimeAsync(5_000);
    await closing;
    expect([log.stored.length, life.outbox.spooled]).toEqual([1500, 0]);
    log.mood = 'hangs';
    const second = new Life(log, files, 'second');
    second.offer(10);
    let isClosed = false;
    void second.outbox.close(60_000).then(() => (isClosed = true));
    await until(() => isClosed, 2_000);
    expect([second.outbox.spooled, second.outbox.dropped]).toEqual([10, 0]);
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
