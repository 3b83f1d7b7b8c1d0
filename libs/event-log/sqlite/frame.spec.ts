import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventLogError, MAX_RECORD_BYTES } from '../event-log.js';
import { packFrames, unpackFrame } from './frame.js';

const anyRecord = fc.record({
  partition: fc.constant(0),
  key: fc.string({ unit: 'grapheme' }),
  value: fc.option(fc.uint8Array({ maxLength: 2000 })),
});

describe('frames', () => {
  it('give back what was packed, from any offset on', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 600 }), fc.nat(700), (records, from) => {
        let firstOffset = 0;
        const unpacked = packFrames(records).flatMap(({ data, records: count }) => {
          const place = { partition: 0, firstOffset, timestampMs: 5 };
          firstOffset += count;
          return unpackFrame(data, place, from);
        });
        const expected = records.map((record, offset) => ({ ...record, offset: BigInt(offset), timestampMs: 5 })).slice(from);
        expect(unpacked.map((one) => ({ ...one, value: one.value && new Uint8Array(one.value) }))).toEqual(expected);
      }),
    );
  });

  it('stay small', () => {
    const records = Array.from({ length: 1000 }, () => ({ partition: 0, key: 'k', value: Buffer.alloc(1000) }));
    const frames = packFrames(records);
    expect(frames.reduce((sum, frame) => sum + frame.records, 0)).toBe(1000);
    expect(Math.max(...frames.map(({ data }) => data.byteLength))).toBeLessThanOrEqual(128 * 1024);
  });

  it('refuse a record that is too large, and take the largest', () => {
    const [largest, tooLarge] = [MAX_RECORD_BYTES - 1, MAX_RECORD_BYTES].map((bytes) => [
      { partition: 0, key: 'k', value: Buffer.alloc(bytes) },
    ]);
    expect(packFrames(largest!)).toHaveLength(1);
    expect(() => packFrames(tooLarge!)).toThrow(EventLogError);
  });
});
