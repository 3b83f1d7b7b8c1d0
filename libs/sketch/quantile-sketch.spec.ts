import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QuantileSketch } from './quantile-sketch.js';

function sketchOf(values: readonly number[]): QuantileSketch {
  const sketch = new QuantileSketch();
  for (const value of values) sketch.add(value);
  return sketch;
}

function merged(...parts: readonly QuantileSketch[]): QuantileSketch {
  const whole = new QuantileSketch();
  for (const part of parts) whole.merge(part);
  return whole;
}

/** The ugly ones first: zeros, both ends of the range and beyond, equal values. */
const value = fc.oneof(
  fc.constantFrom(0, 1, 1e-9, 1e9, 1e-12, 1e300, 0.25),
  fc.tuple(fc.double({ min: 1, max: 2, noNaN: true }), fc.integer({ min: -40, max: 40 })).map(([m, e]) => m * 2 ** e),
  fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
);
/** Few values stay sparse, many spread over many buckets become dense. */
const values = fc.oneof(
  fc.constant<number[]>([]),
  fc.array(value, { maxLength: 8 }),
  fc.array(value, { minLength: 60, maxLength: 200 }),
  fc.array(fc.integer({ min: 1_000, max: 9_000 }), { minLength: 60, maxLength: 100 }),
);

/** A fixed sequence of numbers in (0, 1). */
function* uniform(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (state * 48_271) % 2_147_483_647;
    yield state / 2_147_483_647;
  }
}

function draw(count: number, make: (next: () => number) => number): number[] {
  const source = uniform(20_261);
  return Array.from({ length: count }, () => make(() => source.next().value));
}

const normal = (next: () => number) => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
const distributions: Record<string, (next: () => number) => number> = {
  uniform: (next) => next() * 100,
  lognormal: (next) => Math.exp(normal(next)),
  bimodal: (next) => (next() < 0.6 ? 0.05 + next() / 100 : 30 + next()),
  constant: () => 0.123,
  'heavy tail': (next) => next() ** -2,
  'nine decades': (next) => 10 ** (next() * 18 - 9),
  'a third zeros': (next) => (next() < 1 / 3 ? 0 : next()),
  'whole tokens': (next) => Math.ceil(next() * 4096),
};
const QUANTILES = [0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1];

const answers = (of: QuantileSketch) => [...QUANTILES.map((q) => of.quantile(q)), of.count, of.sum, of.min, of.max, of.mean];

/** What the bytes say when read and written again; undefined if they are refused. */
function rewritten(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return QuantileSketch.decode(bytes).encode();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

describe('QuantileSketch', () => {
  it.each(Object.entries(distributions))('is within 1 % at every quantile of 100,000 values: %s', (_name, make) => {
    const drawn = draw(100_000, make);
    const sketch = sketchOf(drawn);
    const sorted = Float64Array.from(drawn).toSorted();
    for (const q of QUANTILES) {
      const truth = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1]!;
      expect(Math.abs(sketch.quantile(q)! - truth), `q = ${q}`).toBeLessThanOrEqual(truth * 0.01);
    }
    expect(sketch).toMatchObject({ count: 100_000, min: sorted[0], max: sorted.at(-1) });
  });

  it('is within 1 % at the edges of every bucket, by one bit either way', () => {
    for (let edge = -1_046; edge <= 3_048; edge += 1) {
      for (const near of [1 - 2 ** -53, 1, 1 + 2 ** -52]) {
        const truth = 1.02 ** edge * near;
        const sketch = sketchOf([truth / 2, truth, truth * 2]);
        expect(Math.abs(sketch.quantile(0.5)! / truth - 1)).toBeLessThanOrEqual(0.01);
      }
    }
  });

  it('answers with the nearest rank, and with min and max exactly at the ends', () => {
    const sketch = sketchOf([0, 0, 0.0123, 7, 1234.5]);
    expect([-1, 0, 0.2, 0.4, 1, 2].map((q) => sketch.quantile(q))).toEqual([0, 0, 0, 0, 1234.5, 1234.5]);
    for (const [low, high] of [
      [1.001, 30.001],
      [1.019, 30.599],
    ] as const) {
      expect([0, 0.3, 0.7, 1].map((q) => sketchOf([low, high]).quantile(q))).toEqual([low, low, high, high]);
    }
    expect(sketch.quantile(0.8)).toBeCloseTo(7, 1);
    expect(sketchOf([3.3]).quantile(0.5)).toBe(3.3);
    expect(sketchOf([3.3, 3.3, 3.3]).quantile(0.5)).toBe(3.3);
  });

  it('counts what lies beyond its range in the outermost buckets, with min and max exact', () => {
    const sketch = sketchOf([1e-300, 1e-200, 1e-100, 1e100, 1e200, 1e300]);
    expect(sketch).toMatchObject({ count: 6, min: 1e-300, max: 1e300 });
    expect(sketch.quantile(0.5)).toBeLessThan(1.02e-9);
    expect(sketch.quantile(0.6)).toBeGreaterThan(1e26);
  });

  it('has no quantile, min, max or mean when empty, and a sum and count of 0', () => {
    const empty = new QuantileSketch();
    expect([empty.quantile(0.5), empty.min, empty.max, empty.mean, empty.sum, empty.count]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      0,
      0,
    ]);
    expect([...empty.encode()]).toEqual([1, 0]);
  });

  it('merges in any order and grouping to the same bytes as adding everything to one', () => {
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        const [x, y, z] = [sketchOf(a), sketchOf(b), sketchOf(c)];
        const whole = sketchOf([...a, ...b, ...c]).encode();
        expect(merged(merged(x, y), z).encode()).toEqual(whole);
        expect(merged(x, merged(y, z)).encode()).toEqual(whole);
        expect(merged(z, y, x).encode()).toEqual(whole);
        expect(sketchOf([...a, ...b, ...c].toReversed()).encode()).toEqual(whole);
        expect(answers(merged(x, y, z))).toEqual(answers(sketchOf([...a, ...b, ...c])));
        expect(x.encode(), 'merging leaves the other as it was').toEqual(sketchOf(a).encode());
      }),
    );
  });

  it('adds a count as if the value were added that often', () => {
    fc.assert(
      fc.property(value, fc.integer({ min: 1, max: 50 }), values, (one, count, others) => {
        const sketch = sketchOf(others);
        sketch.add(one, count);
        expect(sketch.encode()).toEqual(sketchOf([...others, ...Array.from({ length: count }, () => one)]).encode());
      }),
    );
  });

  it('counts exactly up to 2⁵³ − 1 and refuses what would pass it, unchanged', () => {
    const sketch = new QuantileSketch();
    sketch.add(1, 2 ** 52);
    sketch.add(2, 2 ** 52 - 1);
    expect([sketch.count, sketch.sum]).toEqual([Number.MAX_SAFE_INTEGER, 2 ** 52 * 3 - 2]);
    expect(sketch.quantile(0.5)).toBeCloseTo(1, 1);
    expect(sketch.quantile(0.51)).toBeCloseTo(2, 1);
    const before = sketch.encode();
    expect(() => sketch.add(0)).toThrow(RangeError);
    expect(() => sketch.merge(sketchOf([5]))).toThrow(RangeError);
    expect(sketch.encode()).toEqual(before);
    expect(QuantileSketch.decode(before).count).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('may be merged with itself, and a copy goes its own way', () => {
    fc.assert(
      fc.property(values, (some) => {
        const sketch = sketchOf(some);
        const copy = sketch.clone();
        expect(answers(copy)).toEqual(answers(sketch));
        sketch.merge(sketch);
        expect(sketch.encode()).toEqual(sketchOf([...some, ...some]).encode());
        expect(copy.encode()).toEqual(sketchOf(some).encode());
        copy.add(5);
        expect(copy.encode()).toEqual(sketchOf([...some, 5]).encode());
      }),
    );
  });

  it('survives encoding whole: same bytes, same answers, and the same after more values', () => {
    fc.assert(
      fc.property(values, values, (some, more) => {
        const sketch = sketchOf(some);
        const restored = QuantileSketch.decode(sketch.encode());
        expect(restored.encode()).toEqual(sketch.encode());
        expect(answers(restored)).toEqual(answers(sketch));
        for (const each of more) {
          sketch.add(each);
          restored.add(each);
        }
        expect(restored.encode()).toEqual(sketch.encode());
        expect(answers(restored)).toEqual(answers(sketch));
      }),
    );
  });

  it('decodes from the middle of a larger buffer', () => {
    const bytes = sketchOf([1, 2, 3]).encode();
    const larger = new Uint8Array(bytes.length + 10);
    larger.set(bytes, 5);
    expect(QuantileSketch.decode(larger.subarray(5, 5 + bytes.length)).encode()).toEqual(bytes);
  });

  it('takes at most 1 KB for 1,000 values', () => {
    for (const make of Object.values(distributions)) expect(sketchOf(draw(1_000, make)).encode().byteLength).toBeLessThanOrEqual(1_024);
    expect(sketchOf([0.5]).encode().byteLength).toBe(10);
  });

  it('throws RangeError for truncated, trailing and foreign bytes', () => {
    fc.assert(
      fc.property(values, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 9 }), (some, cut, junk) => {
        const bytes = sketchOf(some).encode();
        expect(() => QuantileSketch.decode(bytes.subarray(0, cut % bytes.length))).toThrow(RangeError);
        expect(() => QuantileSketch.decode(Uint8Array.of(...bytes, ...junk))).toThrow(RangeError);
        expect(() => QuantileSketch.decode(Uint8Array.of(2, ...bytes.subarray(1)))).toThrow(RangeError);
      }),
    );
  });

  it('throws RangeError for damaged bytes, or reads them as a sketch that encodes to just those', () => {
    const damaged = fc.tuple(values, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([some, at, byte]) => {
      const bytes = sketchOf(some).encode();
      bytes[at % bytes.length] = byte;
      return bytes;
    });
    const bytes = fc.oneof(
      damaged,
      fc.uint8Array({ maxLength: 60 }),
      fc.uint8Array({ maxLength: 60 }).map((rest) => Uint8Array.of(1, ...rest)),
    );
    fc.assert(
      fc.property(bytes, (given) => {
        expect([undefined, given]).toContainEqual(rewritten(given));
      }),
      { numRuns: 2_000 },
    );
    expect(() => QuantileSketch.decode(Uint8Array.of(1, ...Array.from({ length: 400 }, () => 0x80), 1))).toThrow(RangeError);
    expect(() => QuantileSketch.decode(Uint8Array.of(1, 0x80, 0))).toThrow(RangeError);
  });

  it('throws RangeError for bytes that contradict themselves', () => {
    const bytes = sketchOf([1.001, 1.002, 3]).encode();
    const withEnds = (min: number, max: number) => {
      const changed = bytes.slice();
      new DataView(changed.buffer).setFloat64(2, min);
      new DataView(changed.buffer).setFloat64(10, max);
      return changed;
    };
    expect(rewritten(withEnds(1.001, 3))).toEqual(bytes);
    for (const [min, max] of [
      [1.2, 3],
      [0.5, 3],
      [0, 3],
      [-0, 3],
      [-1, 3],
      [NaN, 3],
      [1.001, 3.1],
      [1.001, 2],
      [1.001, 0],
      [1.001, NaN],
    ] as const) {
      expect(rewritten(withEnds(min, max)), `${min} to ${max}`).toBeUndefined();
    }
    const swapped = sketchOf([1.001, 1.002]).encode();
    expect(
      rewritten(Uint8Array.of(...swapped.slice(0, 2), ...swapped.slice(10, 18), ...swapped.slice(2, 10), ...swapped.slice(18))),
    ).toBeUndefined();
    expect(rewritten(Uint8Array.of(1, 2, ...bytes.slice(2))), 'fewer values than the buckets hold').toBeUndefined();
    const farAway = Uint8Array.of(...bytes.slice(0, 18), 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1);
    expect(() => QuantileSketch.decode(farAway)).toThrow('a bucket that no sketch has');
  });

  it.each([NaN, Infinity, -Infinity, -1, -1e-300])('refuses to add %d, unchanged', (bad) => {
    const sketch = sketchOf([1]);
    expect(() => sketch.add(bad)).toThrow(RangeError);
    expect(sketch.encode()).toEqual(sketchOf([1]).encode());
  });

  it.each([0, -1, 1.5, NaN, Infinity, 2 ** 53, 2 ** 60])('refuses the count %d, unchanged', (bad) => {
    const sketch = sketchOf([1]);
    expect(() => sketch.add(1, bad)).toThrow(RangeError);
    expect(sketch.encode()).toEqual(sketchOf([1]).encode());
  });

  it('takes −0 as 0 and refuses NaN as a quantile', () => {
    expect(sketchOf([-0]).encode()).toEqual(sketchOf([0]).encode());
    expect(() => sketchOf([1]).quantile(NaN)).toThrow(RangeError);
  });
});
