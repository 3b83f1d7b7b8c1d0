import { describe, expect, it } from 'vitest';
import type { Bounds, EventLog } from '../event-log.js';
import { gate, newTopic, Notebook, numbered, readAll, record, textOf, until, type Subject } from './support.contract.js';

async function keysIn(log: EventLog, topic: string): Promise<readonly string[]> {
  return (await readAll(log, topic)).map(({ key }) => key);
}

export function retentionContract(subject: () => Subject): void {
  describe('retention', () => {
    it('by age drops what is older, and offsets go on', async () => {
      const { log, passTime } = subject();
      const topic = await newTopic(log, { partitions: 1, retentionMs: 60_000 });
      await log.append(topic, numbered(0, 300, 'old'));
      const before = (await readAll(log, topic)).at(-1)!.offset;
      await passTime(40_000);
      await log.append(topic, numbered(0, 3, 'young'));
      await passTime(40_000);
      await until('the old ones are gone', async () => (await keysIn(log, topic)).length === 3);
      expect(await keysIn(log, topic)).toEqual(['young0', 'young1', 'young2']);
      await passTime(80_000);
      await until('all are gone', async () => (await keysIn(log, topic)).length === 0);
      await log.append(topic, [record(0, 'next')]);
      expect((await readAll(log, topic))[0]!.offset).toBe(before + 4n);
    });

    it('by size keeps the newest', async () => {
      const { log, passTime } = subject();
      const topic = await newTopic(log, { partitions: 2, retentionBytes: 100_000 });
      const value = 'x'.repeat(10_000);
      for (let index = 0; index < 40; index += 1) {
        await log.append(topic, [record(0, `k${index}`, value)]);
        await passTime(300);
      }
      await log.append(topic, [record(1, 'other', value)]);
      await passTime(1000);
      await until('the partition has shrunk', async () => (await keysIn(log, topic)).length <= 11);
      const keys = await keysIn(log, topic);
      expect(keys.length).toBeGreaterThanOrEqual(9);
      expect(keys).toContain('other');
      expect(keys.filter((key) => key !== 'other')).toEqual(
        Array.from({ length: 40 }, (_, index) => `k${index}`).slice(-(keys.length - 1)),
      );
    });

    it('gives a reader whose offset is gone the oldest record that is left', async () => {
      const { log, passTime } = subject();
      const topic = await newTopic(log, { partitions: 1, retentionMs: 60_000 });
      await log.append(topic, numbered(0, 10, 'old'));
      const start = (await readAll(log, topic))[2]!.offset;
      await passTime(70_000);
      await until('the old ones are gone', async () => (await keysIn(log, topic)).length === 0);
      await log.append(topic, numbered(0, 2, 'new'));
      const member = new Notebook(() => start);
      const consumption = await log.consume(topic, 'g', member);
      await until('it has read', () => member.records.length === 2);
      expect(member.keys()).toEqual(['new0', 'new1']);
      await consumption.close();
    });

    it('tells a slow reader whose next record is gone: the partition is lost and gained again', async () => {
      const { log, passTime } = subject();
      const topic = await newTopic(log, { partitions: 1, retentionMs: 60_000 });
      const old = Array.from({ length: 3000 }, (_, index) => record(0, `old${index}`, 'x'.repeat(2000))); // More than is read ahead.
      await log.append(topic, old);
      const [entered, leave] = [gate(), gate()];
      const calls: string[] = [];
      const bounds: Bounds[] = [];
      const consumption = await log.consume(topic, 'g', {
        async assigned(_partition, held) {
          calls.push('assigned');
          bounds.push(held);
          return held.oldest;
        },
        async batch(_partition, records) {
          entered.open();
          await leave.opened;
          calls.push(records[0]!.key);
        },
        async revoked() {
          calls.push('revoked');
        },
      });
      await entered.opened;
      await passTime(70_000);
      await until('the old ones are gone', async () => (await keysIn(log, topic)).length === 0);
      await log.append(topic, numbered(0, 2, 'new'));
      leave.open();
      await until('it has read what is new', () => calls.at(-1) === 'new0');
      expect(calls.filter((call) => !call.startsWith('old'))).toEqual(['assigned', 'revoked', 'assigned', 'new0']);
      expect(bounds[1]!.oldest).toBeGreaterThanOrEqual(bounds[0]!.end);
      await consumption.close();
    });
  });

  describe('compaction', () => {
    it('keeps the latest record of each key, in offset order, and its tombstone for a while', async () => {
      const { log, passTime } = subject();
      const topic = await newTopic(log, { partitions: 1, policy: 'compact' });
      await log.append(topic, [record(0, 'a', '1'), record(0, 'b', '1'), record(0, 'c', '1'), record(0, 'empty', '')]);
      await log.append(topic, [record(0, 'b', '2'), record(0, 'a', '2'), record(0, 'b', '3'), record(0, 'c', null)]);
      await passTime(1000);
      await log.append(topic, [record(0, 'newer')]); // The newest records may be left alone until others follow.
      const content = async () =>
        (await readAll(log, topic)).filter(({ key }) => key !== 'newer').map(({ key, value }) => [key, textOf(value)]);
      await until('only the latest are left', async () => (await content()).length === 4);
      expect(await content()).toEqual([
        ['empty', ''],
        ['a', '2'],
        ['b', '3'],
        ['c', null],
      ]);
      await passTime(3_600_000);
      await log.append(topic, [record(0, 'newer')]);
      await passTime(1000);
      await log.append(topic, [record(0, 'newer')]);
      await until('the tombstone is gone', async () => (await content()).length === 3);
      expect(await content()).toEqual([
        ['empty', ''],
        ['a', '2'],
        ['b', '3'],
      ]);
    });

    it('does not hide the latest from a follower, nor change offsets', async () => {
      const { log } = subject();
      const topic = await newTopic(log, { partitions: 2, policy: 'compact' });
      const latest = new Map<string, string | null>();
      const offsets: bigint[] = [];
      const following = await log.follow(topic, 'beginning', {
        records: (_, batch) => {
          for (const { key, value, offset, partition } of batch) {
            latest.set(key, textOf(value));
            if (partition === 1) offsets.push(offset);
          }
        },
      });
      for (let round = 0; round < 50; round += 1) {
        await log.append(
          topic,
          Array.from({ length: 20 }, (_, key) => record(key % 2, `k${key}`, `${round}`)),
        );
      }
      await until('the last round has arrived', () => latest.size === 20 && [...latest.values()].every((value) => value === '49'));
      await following.close();
      expect(offsets.every((offset, index) => index === 0 || offset > offsets[index - 1]!)).toBe(true);
      expect((await readAll(log, topic)).filter(({ partition }) => partition === 1).at(-1)!.offset).toBe(offsets.at(-1)!);
    });

    it('with deletion drops keys that have not been written for too long', async () => {
      const { log, passTime } = subject();
      const topic = await newTopic(log, { partitions: 1, policy: 'compact,delete', retentionMs: 60_000 });
      await log.append(topic, [record(0, 'stale'), record(0, 'fresh')]);
      await passTime(40_000);
      await log.append(topic, [record(0, 'fresh')]);
      await passTime(40_000);
      await until('the stale key is gone', async () => (await keysIn(log, topic)).length === 1);
      expect(await keysIn(log, topic)).toEqual(['fresh']);
    });
  });
}
