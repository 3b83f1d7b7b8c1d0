import { describe, expect, it } from 'vitest';
import { EventLogError, EventLogOpenError } from '../event-log.js';
import { Notebook, newTopic, numbered, readAll, record, textOf, type Subject } from './support.contract.js';

export function appendContract(subject: () => Subject): void {
  describe('append', () => {
    it('has stored every record when it resolves, in order per partition', async () => {
      const { log } = subject();
      const topic = await newTopic(log);
      await log.append(topic, [...numbered(0, 5, 'a'), ...numbered(2, 5, 'b')]);
      await log.append(topic, numbered(0, 5, 'c'));
      const stored = await readAll(log, topic);
      const keysOf = (partition: number) => stored.filter((one) => one.partition === partition).map(({ key }) => key);
      expect(keysOf(0)).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'c0', 'c1', 'c2', 'c3', 'c4']);
      expect(keysOf(1)).toEqual([]);
      expect(keysOf(2)).toEqual(['b0', 'b1', 'b2', 'b3', 'b4']);
    });

    it('keeps the order of appends that were not waited for', async () => {
      const { log } = subject();
      const topic = await newTopic(log);
      const keys = Array.from({ length: 200 }, (_, index) => `k${index}`);
      await Promise.all(keys.map((key) => log.append(topic, [record(1, key)])));
      expect((await readAll(log, topic)).map(({ key }) => key)).toEqual(keys);
    });

    it('gives bigint offsets that strictly grow and timestamps that never go back', async () => {
      const { log } = subject();
      const topic = await newTopic(log);
      const before = Date.now();
      for (let round = 0; round < 3; round += 1) await log.append(topic, numbered(1, 700));
      const stored = await readAll(log, topic);
      expect(stored).toHaveLength(2100);
      expect(stored.every(({ offset }) => typeof offset === 'bigint')).toBe(true);
      const backwards = stored.slice(1).filter(({ offset, timestampMs }, index) => {
        const previous = stored[index]!;
        return offset <= previous.offset || timestampMs < previous.timestampMs;
      });
      expect(backwards).toEqual([]);
      expect(stored[0]!.timestampMs).toBeGreaterThanOrEqual(before - 60_000);
      expect(stored.at(-1)!.timestampMs).toBeLessThanOrEqual(Date.now() + 60_000);
    });

    it('keeps keys and values as they are: empty, null, not ASCII, any bytes', async () => {
      const { log } = subject();
      const topic = await newTopic(log);
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      await log.append(topic, [
        { partition: 0, key: '', value: new Uint8Array(0) },
        { partition: 0, key: '请求/é', value: bytes },
        { partition: 0, key: 'none', value: null },
      ]);
      const stored = await readAll(log, topic);
      expect(stored.map(({ key, value }) => [key, value && [...value]])).toEqual([
        ['', []],
        ['请求/é', [...bytes]],
        ['none', null],
      ]);
    });

    it('takes records of 900 KB, side by side', async () => {
      const { log } = subject();
      const topic = await newTopic(log);
      const [a, b] = ['a', 'b'].map((fill) => fill.repeat(900 * 1024));
      await log.append(topic, [record(0, 'a', a), record(0, 'b', b), record(0, 'c', 'small')]);
      const stored = await readAll(log, topic);
      expect(stored.map(({ key, value }) => [key, value?.byteLength])).toEqual([
        ['a', 900 * 1024],
        ['b', 900 * 1024],
        ['c', 5],
      ]);
      expect(textOf(stored[1]!.value)).toBe(b);
    });

    it('stores nothing when there is nothing to store', async () => {
      const { log } = subject();
      const topic = await newTopic(log);
      await log.append(topic, []);
      expect(await readAll(log, topic)).toEqual([]);
    });

    it('rejects with EventLogError what can never succeed', async () => {
      const { log } = subject();
      const topic = await newTopic(log);
      await expect(log.append('no-such-topic', [record(0, 'a')])).rejects.toThrow(EventLogError);
      await expect(log.append(topic, [record(3, 'a')])).rejects.toThrow(EventLogError);
      await expect(log.append(topic, [record(-1, 'a')])).rejects.toThrow(EventLogError);
      await expect(log.append(topic, [record(0, 'a', 'x'.repeat(2 ** 21))])).rejects.toThrow(EventLogError);
      await expect(log.partitions('no-such-topic')).rejects.toThrow(EventLogError);
      await expect(log.consume('no-such-topic', 'g', new Notebook())).rejects.toThrow(EventLogError);
      await expect(log.follow('no-such-topic', 'end', { records: () => {} })).rejects.toThrow(EventLogError);
      await log.append(topic, [record(0, 'fine')]);
      expect((await readAll(log, topic)).map(({ key }) => key)).toEqual(['fine']);
    });
  });

  describe('topics', () => {
    it('are created once, and found again', async () => {
      const { log } = subject();
      const topic = await newTopic(log, { partitions: 4 });
      await log.append(topic, [record(3, 'kept')]);
      await log.ensureTopics([{ name: topic, partitions: 4, policy: 'delete' }]);
      expect(await log.partitions(topic)).toBe(4);
      expect((await readAll(log, topic)).map(({ key }) => key)).toEqual(['kept']);
    });

    it('are described as they are stored, if they exist', async () => {
      const { log } = subject();
      const plain = await newTopic(log);
      const limited = await newTopic(log, { partitions: 2, policy: 'delete', retentionMs: 3_600_000, retentionBytes: 2_000_000 });
      const compacted = await newTopic(log, { partitions: 1, policy: 'compact,delete', retentionMs: 7_200_000 });
      const ever = await newTopic(log, { partitions: 1, policy: 'compact' });
      const [first, second, third, fourth, ...more] = await log.topics([plain, 'no-such-topic', limited, compacted, ever]);
      expect(first).toEqual({
        name: plain,
        partitions: 3,
        policy: 'delete',
        retentionMs: undefined,
        retentionBytes: undefined,
        clock: 'log',
      });
      expect(second).toMatchObject({ name: limited, partitions: 2, retentionBytes: 2_000_000, clock: 'log' });
      expect(third).toMatchObject({ name: compacted, partitions: 1, policy: 'compact,delete' });
      expect(second!.retentionMs! * 2).toBe(third!.retentionMs); // A subject may scale time.
      expect(fourth).toMatchObject({ policy: 'compact', retentionMs: undefined, retentionBytes: undefined });
      expect(more).toEqual([]);
    });

    it('are refused if an existing one has another policy or too few partitions', async () => {
      const { log } = subject();
      const topic = await newTopic(log, { partitions: 2 });
      const ensure = (spec: object) => log.ensureTopics([{ name: topic, partitions: 2, policy: 'delete', ...spec }]);
      await expect(ensure({ policy: 'compact' })).rejects.toThrow(EventLogOpenError);
      await expect(ensure({ policy: 'compact' })).rejects.toThrow(new RegExp(`${topic}.*delete.*compact`));
      await expect(ensure({ partitions: 3 })).rejects.toThrow(EventLogOpenError);
      await ensure({ partitions: 1 });
      expect(await log.partitions(topic)).toBe(2);
    });
  });

  describe('close', () => {
    it('waits for appends in flight, and refuses everything afterwards', async () => {
      const { log } = subject();
      const topic = await newTopic(log);
      expect(log.connected()).toBe(true);
      const appended = log.append(topic, numbered(0, 1000));
      await log.close();
      await appended;
      await log.close();
      expect(log.connected()).toBe(false);
      await expect(log.append(topic, [record(0, 'late')])).rejects.toThrow(EventLogError);
      await expect(log.partitions(topic)).rejects.toThrow(EventLogError);
      await expect(log.ensureTopics([])).rejects.toThrow(EventLogError);
      await expect(log.consume(topic, 'g', new Notebook())).rejects.toThrow(EventLogError);
      await expect(log.follow(topic, 'end', { records: () => {} })).rejects.toThrow(EventLogError);
    });
  });
}
