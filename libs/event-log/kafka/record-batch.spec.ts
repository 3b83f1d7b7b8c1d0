import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OutgoingRecord } from '../event-log.js';
import { crc32c } from './crc32c.js';
import { AT, encodeBatch, sizeOf } from './record-batch.js';
import { RecordReader } from './record-reader.js';

const records = fc.array(
  fc.record({
    partition: fc.constant(0),
    key: fc.string({ unit: 'grapheme', maxLength: 300 }),
    value: fc.option(fc.uint8Array({ maxLength: 20_000 }), { freq: 5 }),
  }),
  { minLength: 1, maxLength: 40 },
);

/** As a broker stores it: with offsets of its own, and with its clock if `appendMs` is given. */
function stored(batch: Buffer, baseOffset: bigint, appendMs?: bigint): Buffer {
  const copy = Buffer.from(batch);
  copy.writeBigInt64BE(baseOffset, 0);
  if (appendMs !== undefined) {
    copy.writeInt16BE(0b1000, AT.attributes);
    copy.writeBigInt64BE(appendMs, AT.maxTimestamp);
  }
  return copy;
}

function compressed(batch: Buffer, kind: number, packed: (data: Buffer) => Buffer): Buffer {
  const copy = Buffer.concat([batch.subarray(0, AT.records), packed(batch.subarray(AT.records))]);
  copy.writeInt32BE(copy.length - AT.leaderEpoch, AT.length);
  copy.writeInt16BE(kind, AT.attributes);
  return copy;
}

function plain(list: readonly { readonly key: string; readonly value: Uint8Array | null }[]) {
  return list.map(({ key, value }) => ({ key: Buffer.from(key).toString(), value: value && [...value] }));
}

const one = (key: string, value: string | null = key): OutgoingRecord => ({
  partition: 0,
  key,
  value: value === null ? null : Buffer.from(value),
});

describe('record batches', () => {
  it('are read as they were written, whole or bit by bit, from any offset on', () => {
    fc.assert(
      fc.property(
        fc.array(records, { minLength: 1, maxLength: 3 }),
        fc.nat({ max: 120 }),
        fc.integer({ min: 1, max: 50 }),
        (batches, from, step) => {
          let offset = 7n;
          const parts = batches.map((batch) => {
            const part = stored(encodeBatch(batch), offset, 1234n);
            offset += BigInt(batch.length);
            return part;
          });
          const reader = new RecordReader(Buffer.concat(parts), 3, BigInt(from));
          const read = [];
          while (!reader.done) read.push(...reader.read(step));
          const skipped = Math.max(0, from - 7);
          expect(plain(read)).toEqual(plain(batches.flat().slice(skipped)));
          expect(read.map((record) => record.offset)).toEqual(Array.from(read, (_, index) => 7n + BigInt(skipped + index)));
          expect(read.every(({ partition, timestampMs }) => partition === 3 && timestampMs === 1234)).toBe(true);
          expect(reader.nextOffset).toBe(BigInt(Math.max(from, Number(offset))));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('are never larger than was reckoned', () => {
    fc.assert(
      fc.property(records, (batch) => {
        expect(encodeBatch(batch).length).toBeLessThanOrEqual(AT.records + batch.reduce((sum, record) => sum + sizeOf(record), 0));
      }),
    );
  });

  it('bear the checksum of RFC 3720', () => {
    expect(crc32c(Buffer.from('123456789'), 0) >>> 0).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32), 0) >>> 0).toBe(0x8a9136aa);
    expect(crc32c(Buffer.from('xx123456789'), 2) >>> 0).toBe(0xe3069283);
  });

  it('that are cut off at the end wait for the next fetch', () => {
    const [first, second] = [stored(encodeBatch([one('a'), one('b')]), 0n), stored(encodeBatch([one('c')]), 2n)];
    const reader = new RecordReader(Buffer.concat([first, second.subarray(0, second.length - 1)]), 0, 0n);
    expect(reader.read(10).map(({ key }) => key)).toEqual(['a', 'b']);
    expect([reader.done, reader.nextOffset]).toEqual([true, 2n]);
  });

  it('with holes where records were compacted away lead past them', () => {
    const batch = stored(encodeBatch([one('a')]), 5n);
    batch.writeInt32BE(9, AT.lastOffsetDelta);
    const control = stored(encodeBatch([one('commit')]), 15n);
    control.writeInt16BE(0b100000, AT.attributes);
    const reader = new RecordReader(Buffer.concat([batch, control]), 0, 0n);
    expect(reader.read(10).map(({ key, offset }) => [key, offset])).toEqual([['a', 5n]]);
    expect(reader.nextOffset).toBe(16n);
  });

  it.each([
    ['gzip', 1, gzipSync],
    ['zstd', 4, zstdCompressSync],
  ])('compressed with %s are unpacked', (_name, kind, pack) => {
    const reader = new RecordReader(compressed(encodeBatch([one('a'), one('b', null)]), kind, pack), 0, 0n);
    expect(reader.read(10).map(({ key, value }) => [key, value?.toString()])).toEqual([
      ['a', 'a'],
      ['b', undefined],
    ]);
  });

  it.each([
    ['snappy', 2, (data: Buffer) => data],
    ['lz4', 3, (data: Buffer) => data],
    ['incorrect header check', 1, (data: Buffer) => data],
  ])('that cannot be unpacked come one for each offset, and say why: %s', (why, kind, pack) => {
    const batch = stored(compressed(encodeBatch([one('a'), one('b')]), kind, pack), 7n);
    const reader = new RecordReader(Buffer.concat([batch, stored(encodeBatch([one('c')]), 9n)]), 0, 8n);
    const [unreadable, next] = reader.read(10);
    expect(unreadable!.offset).toBe(8n);
    expect(unreadable!.value!.toString()).toContain(why);
    expect([next!.offset, next!.key]).toEqual([9n, 'c']);
  });

  it('of the message formats before Kafka 0.11 come as unreadable ones', () => {
    const batch = stored(encodeBatch([one('a')]), 3n);
    batch.writeInt8(1, AT.magic);
    const [record] = new RecordReader(Buffer.concat([batch]), 0, 0n).read(10);
    expect([record!.offset, record!.value!.toString()]).toEqual([3n, expect.stringContaining('0.11')]);
  });
});
