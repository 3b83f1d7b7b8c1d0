import type { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it } from 'vitest';
import { openMemory } from './database.js';
import { failureOf } from './failure.js';
import { packFrames } from './frame.js';
import { Reader } from './reader.js';
import type { Topic } from './topic-tables.js';
import { Writer } from './writer.js';

let db: DatabaseSync;
let writer: Writer;
let reader: Reader;
let topic: Topic;

beforeEach(() => {
  db = openMemory();
  writer = new Writer(db);
  reader = new Reader(db);
  writer.createTopics([{ name: 't', partitions: 1, policy: 'delete', retentionMs: 1000 }]);
  topic = reader.topic('t')!;
});

function append(bytes: number, nowMs = 0): void {
  const frames = packFrames([{ partition: 0, key: 'k', value: Buffer.alloc(bytes, 1) }]);
  writer.append(
    frames.map((frame) => ({ ...frame, partitionId: topic.partitionIds[0]!, compacted: false })),
    nowMs,
  );
}

function pages(): number {
  return db.prepare('PRAGMA page_count').get()!['page_count'] as number;
}

describe('the writer', () => {
  it('says so when the disk is full, stores nothing, and goes on when there is room again', () => {
    append(100);
    db.exec(`PRAGMA max_page_count = ${pages() + 3}`);
    const failure = (() => {
      try {
        append(500_000);
      } catch (error) {
        return failureOf(error);
      }
      return undefined;
    })();
    expect(failure).toEqual({ kind: 'transient', message: expect.stringContaining('the disk under the event log is full') as string });
    expect(reader.endOf(topic.partitionIds[0]!)).toBe(1);
    db.exec('PRAGMA max_page_count = 100000');
    append(500_000);
    expect(reader.read(topic, 0, 0).records.map(({ offset }) => offset)).toEqual([0n, 1n]);
  });

  it('stores all frames of a call or none', () => {
    const [frame] = packFrames([{ partition: 0, key: 'k', value: null }]);
    const good = { ...frame!, partitionId: topic.partitionIds[0]!, compacted: false };
    expect(() => writer.append([good, { ...good, partitionId: 999 }], 0)).toThrow('undefined');
    expect(reader.endOf(topic.partitionIds[0]!)).toBe(0);
  });

  it('takes new limits of an existing topic', () => {
    writer.createTopics([{ name: 't', partitions: 1, policy: 'delete', retentionBytes: 5 }]);
    expect(reader.freshTopic('t')).toMatchObject({ retentionMs: null, retentionBytes: 5 });
  });

  it('deletes in small steps, keeps count of the bytes, and gives back disk space', () => {
    for (let index = 0; index < 300; index += 1) append(100_000);
    append(10, 5000);
    const full = pages();
    let steps = 0;
    while (writer.maintain(5500)) steps += 1;
    expect(steps).toBeGreaterThan(300 / 64);
    expect(reader.read(topic, 0, 0).records.map(({ offset }) => offset)).toEqual([300n]);
    const { bytes } = db.prepare('SELECT bytes FROM partitions').get() as { bytes: number };
    expect(bytes).toBe(10 + 'k'.length + 8);
    expect(pages()).toBeLessThan(full / 2);
  });

  it('leaves a group alone once its partitions are shared, even if they cannot be shared evenly', () => {
    writer.createTopics([{ name: 'three', partitions: 3, policy: 'delete' }]);
    const topicId = reader.topic('three')!.id;
    for (const id of ['a', 'b']) writer.join({ id, topicId, group: 'g', process: '' });
    const outcomes = Array.from({ length: 20 }, (_, step) => writer.balance(step % 2 === 0 ? 'a' : 'b'));
    const settled = { a: { owned: [0, 1], excess: [] }, b: { owned: [2], excess: [] } };
    expect(outcomes).toEqual(outcomes.map((_, step) => (step % 2 === 0 ? settled.a : settled.b)));
  });

  it('has nothing to do when nothing is old', () => {
    append(100, 5000);
    expect(writer.maintain(5500)).toBe(false);
  });
});
