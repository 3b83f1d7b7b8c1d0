import { describe, expect, it } from 'vitest';
import { DropCounts } from './drop-counts.js';
import { ParcelQueue } from './parcel-queue.js';

const TEXT = 'x'.repeat(1_000);
/** More than one slab holds. */
const MANY = 200;

function queueOf(count: number, textOf: (index: number) => string): ParcelQueue {
  const queue = new ParcelQueue(new DropCounts(), () => {});
  push(queue, count, textOf);
  return queue;
}

function push(queue: ParcelQueue, count: number, textOf: (index: number) => string): void {
  for (let index = 0; index < count; index += 1) queue.push('t', index % 6, `key ${index}`, textOf(index));
}

function textsOf(queue: ParcelQueue, count: number): string[] {
  return queue.records(count).map(({ value }) => Buffer.from(value!).toString());
}

describe('ParcelQueue', () => {
  it('hands out what was pushed, in order, from the first that is not settled', () => {
    const queue = queueOf(MANY, (index) => `${index} ${TEXT}`);
    queue.settle(70);
    expect(textsOf(queue, 100)).toEqual(Array.from({ length: 100 }, (_, index) => `${index + 70} ${TEXT}`));
    expect(queue.records(1)[0]).toMatchObject({ partition: 70 % 6, key: 'key 70' });
    expect([queue.length, queue.settled, queue.accepted]).toEqual([MANY - 70, 70, MANY]);
  });

  it('keeps texts whole that are longer than others, or not ASCII', () => {
    const texts = ['é'.repeat(40_000), '', '漢'.repeat(21_846), 'a', '🙂'.repeat(200_000)];
    expect(
      textsOf(
        queueOf(texts.length, (index) => texts[index]!),
        10,
      ),
    ).toEqual(texts);
  });

  it('leaves a record alone that was lent, whatever comes after it was settled', () => {
    const queue = queueOf(MANY, (index) => `${index} ${TEXT}`);
    const lent = queue.records(100);
    queue.lend(100);
    queue.settle(MANY);
    push(queue, MANY, () => 'y'.repeat(1_010));
    expect(lent.map(({ value }) => Buffer.from(value!).toString())).toEqual(Array.from({ length: 100 }, (_, index) => `${index} ${TEXT}`));
  });

  it('uses its memory again where nothing was lent', () => {
    const queue = queueOf(MANY, () => TEXT);
    const before = new Set(queue.records(MANY).map(({ value }) => value!.buffer));
    queue.settle(MANY);
    push(queue, MANY, () => TEXT);
    expect(new Set(queue.records(MANY).map(({ value }) => value!.buffer))).toEqual(before);
    expect(textsOf(queue, MANY)).toEqual(Array.from({ length: MANY }, () => TEXT));
  });

  it('counts what it drops by its type', () => {
    const drops = new DropCounts();
    const queue = new ParcelQueue(drops, () => {});
    for (const type of ['a', 'b', 'a', 'a']) queue.push(type, 0, 'key', TEXT);
    queue.settle(1);
    queue.dropAll();
    expect(drops.byType).toEqual({ a: 2, b: 1 });
    expect(queue.length).toBe(0);
  });
});
