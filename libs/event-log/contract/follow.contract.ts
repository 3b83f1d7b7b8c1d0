import { describe, expect, it } from 'vitest';
import { EventLogError, type LogRecord } from '../event-log.js';
import { gate, newTopic, numbered, record, until, type Subject } from './support.contract.js';

export function followContract(subject: () => Subject): void {
  describe('follow', () => {
    it('reads all partitions from the beginning, tells when it has caught up, and goes on', async () => {
      const { log } = subject();
      const topic = await newTopic(log);
      await log.append(topic, [...numbered(0, 1200, 'a'), ...numbered(1, 1200, 'b')]);
      const seen: LogRecord[] = [];
      const following = await log.follow(topic, 'beginning', {
        records: (partition, batch) => {
          expect(batch.length).toBeGreaterThan(0);
          expect(batch.every((one) => one.partition === partition)).toBe(true);
          seen.push(...batch);
        },
      });
      await following.caughtUp;
      expect(seen).toHaveLength(2400);
      await log.append(topic, [record(2, 'new')]);
      await until('the new record has arrived', () => seen.at(-1)?.key === 'new');
      await following.close();
      for (const partition of [0, 1]) {
        const offsets = seen.filter((one) => one.partition === partition).map(({ offset }) => offset);
        expect(offsets).toEqual(offsets.toSorted((a, b) => (a < b ? -1 : 1)));
      }
    });

    it('from the end sees only what is appended afterwards', async () => {
      const { log } = subject();
      const topic = await newTopic(log);
      await log.append(topic, numbered(0, 10, 'old'));
      const keys: string[] = [];
      const following = await log.follow(topic, 'end', { records: (_, batch) => void keys.push(...batch.map(({ key }) => key)) });
      await following.caughtUp;
      await log.append(topic, [record(0, 'new')]);
      await until('the new record has arrived', () => keys.length > 0);
      expect(keys).toEqual(['new']);
      await following.close();
    });

    it('catches up at once with an empty topic', async () => {
      const { log } = subject();
      let calls = 0;
      const following = await log.follow(await newTopic(log), 'beginning', { records: () => void (calls += 1) });
      await following.caughtUp;
      await following.close();
      expect(calls).toBe(0);
    });

    it('catches up again whenever it is asked to', async () => {
      const { log } = subject();
      const topic = await newTopic(log);
      const keys: string[] = [];
      const following = await log.follow(topic, 'beginning', { records: (_, batch) => void keys.push(...batch.map(({ key }) => key)) });
      for (let round = 1; round <= 20; round += 1) {
        await log.append(topic, [...numbered(0, 5), ...numbered(2, 5)]);
        await Promise.all([following.catchUp(), following.catchUp()]);
        expect(keys).toHaveLength(round * 10);
      }
      await following.close();
      await expect(following.catchUp()).rejects.toThrow(EventLogError);
    });

    it('that fails rejects those who wait for it', async () => {
      const { log } = subject();
      const topic = await newTopic(log);
      const following = await log.follow(topic, 'beginning', { records: () => Promise.reject(new Error('handler broke')) });
      await following.caughtUp;
      await log.append(topic, numbered(0, 3));
      await expect(following.catchUp()).rejects.toThrow('handler broke');
      await expect(following.catchUp()).rejects.toThrow('handler broke');
      await following.close();
    });

    it('never overlaps calls, and loses nothing when the handler is slow', async () => {
      const { log } = subject();
      const topic = await newTopic(log);
      const keys: string[] = [];
      let running = 0;
      const following = await log.follow(topic, 'beginning', {
        async records(_partition, batch) {
          running += 1;
          expect(running).toBe(1);
          await new Promise((resolve) => setTimeout(resolve, 2));
          keys.push(...batch.map(({ key }) => key));
          running -= 1;
        },
      });
      for (let round = 0; round < 20; round += 1) await log.append(topic, [...numbered(0, 3, `${round}/`), ...numbered(1, 3, `${round}/`)]);
      await until('everything has arrived', () => keys.length === 120);
      await following.close();
      expect(new Set(keys).size).toBe(60);
    });

    it('ends when the handler fails, and says why', async () => {
      const { log } = subject();
      const topic = await newTopic(log);
      await log.append(topic, numbered(0, 3));
      const following = await log.follow(topic, 'beginning', { records: () => Promise.reject(new Error('handler broke')) });
      expect((await following.failed).message).toBe('handler broke');
      await expect(following.caughtUp).rejects.toThrow('handler broke');
      await following.close();
    });

    it('waits for the call in hand when it is closed, and calls no more', async () => {
      const { log } = subject();
      const topic = await newTopic(log);
      await log.append(topic, numbered(0, 3));
      const [entered, leave] = [gate(), gate()];
      let calls = 0;
      const following = await log.follow(topic, 'beginning', {
        async records() {
          calls += 1;
          entered.open();
          await leave.opened;
        },
      });
      await entered.opened;
      let closed = false;
      const closing = following.close().then(() => (closed = true));
      await log.append(topic, numbered(1, 3));
      expect(closed).toBe(false);
      leave.open();
      await closing;
      await log.append(topic, numbered(2, 3));
      expect(calls).toBe(1);
    });

    it('closed before it caught up does not leave its waiters hanging', async () => {
      const { log } = subject();
      const topic = await newTopic(log);
      await log.append(topic, numbered(0, 3000));
      const leave = gate();
      const following = await log.follow(topic, 'beginning', { records: () => leave.opened });
      const closing = log.close();
      leave.open();
      await closing;
      await expect(following.caughtUp).rejects.toThrow(EventLogError);
      expect(await Promise.race([following.failed, Promise.resolve('it did not fail')])).toBe('it did not fail');
    });
  });
}
