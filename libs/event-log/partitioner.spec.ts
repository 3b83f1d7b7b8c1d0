import { describe, expect, it } from 'vitest';
import { murmur2, partitionOf } from './partitioner.js';

describe('the partitioner', () => {
  it.each([
    ['21', -973_932_308],
    ['foobar', -790_332_482],
    ['a-little-bit-long-string', -985_981_536],
    ['a-little-bit-longer-string', -1_486_304_829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
    ['abc', 479_470_107],
  ])("hashes %s as Kafka's own tests expect", (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
  });

  it.each([
    ['21', 6, (-973_932_308 & 0x7fffffff) % 6],
    ['abc', 6, 479_470_107 % 6],
    ['abc', 1, 0],
  ])('puts %s of %i partitions where Kafka clients do', (key, partitions, partition) => {
    expect(partitionOf(key, partitions)).toBe(partition);
  });

  it('spreads request ids over all partitions', () => {
    const counts = [0, 0, 0, 0, 0, 0];
    for (let index = 0; index < 6000; index += 1) counts[partitionOf(`req-${index}`, 6)]! += 1;
    expect(Math.min(...counts)).toBeGreaterThan(800);
  });
});
