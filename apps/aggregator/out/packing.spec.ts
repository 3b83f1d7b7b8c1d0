import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pack, unpack } from './packing.js';

describe('packing', () => {
  it('gives back what was packed', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 5_000 }), (text) => {
        expect(String(Buffer.from(unpack(pack(Buffer.from(text)))))).toBe(text);
      }),
    );
  });

  it('makes much of the same small', () => {
    expect(pack(Buffer.from('{"a":1}'.repeat(1_000))).byteLength).toBeLessThan(200);
  });

  it.each([
    ['that is torn', pack(Buffer.from('a'.repeat(5_000))).subarray(0, 20)],
    ['that grows without bound', pack(Buffer.alloc(20_000_000))],
  ])('gives back as it is what %s', (_what, bad) => {
    expect(unpack(bad)).toBe(bad);
  });
});
