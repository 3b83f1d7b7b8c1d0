import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExactSum } from './exact-sum.js';

/** A double as a whole number of 2⁻¹¹², the truth that the limbs are held against. */
function inUnits(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = Number(bits >> 52n) - 1075;
  const mantissa = (bits & 0xfffffffffffffn) | (1n << 52n);
  const shift = BigInt(exponent + 112);
  return shift >= 0n ? mantissa << shift : mantissa >> -shift;
}

function unitsOf(sum: ExactSum): bigint {
  const [middle = 0, low = 0, lowest = 0, high = 0] = sum.toJSON();
  return (((BigInt(high) << 52n) + BigInt(middle)) << 104n) + (BigInt(low) << 52n) + BigInt(lowest);
}

function sumOf(values: readonly number[]): ExactSum {
  const sum = new ExactSum();
  for (const value of values) sum.add(value);
  return sum;
}

/** 2⁻⁶⁰ to 2⁴⁰ and 0, evenly over the exponents. */
const ordinary = fc.oneof(
  fc.constant(0),
  fc.tuple(fc.double({ min: 1, max: 2, noNaN: true, maxExcluded: true }), fc.integer({ min: -60, max: 39 })).map(([m, e]) => m * 2 ** e),
);
const any = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);

describe('ExactSum', () => {
  it('is the exact sum, to the last bit', () => {
    fc.assert(
      fc.property(fc.array(ordinary, { maxLength: 60 }), (values) => {
        const truth = values.filter((value) => value > 0).reduce((total, value) => total + inUnits(value), 0n);
        expect(unitsOf(sumOf(values))).toBe(truth);
      }),
    );
  });

  it('shows neither the order nor the parts in which the values came, for any finite doubles', () => {
    fc.assert(
      fc.property(fc.array(any, { maxLength: 30 }), fc.nat(30), fc.nat(), (values, cut, seed) => {
        const shuffled = values.map((value, at) => ({ value, place: Math.imul(at + 1, seed | 1) })).toSorted((a, b) => a.place - b.place);
        const parts = sumOf(values.slice(cut));
        parts.merge(sumOf(values.slice(0, cut)));
        const whole = sumOf(shuffled.map(({ value }) => value));
        expect(parts.toJSON()).toEqual(whole.toJSON());
        expect(parts.value).toBe(whole.value);
      }),
    );
  });

  it('adds a value many times over as if it were added that often', () => {
    fc.assert(
      fc.property(any, fc.integer({ min: 1, max: 200 }), (value, times) => {
        const sum = new ExactSum();
        sum.add(value, times);
        expect(sum.toJSON()).toEqual(sumOf(Array.from({ length: times }, () => value)).toJSON());
      }),
    );
    const huge = new ExactSum();
    huge.add(0.1, Number.MAX_SAFE_INTEGER);
    expect(unitsOf(huge)).toBe(inUnits(0.1) * BigInt(Number.MAX_SAFE_INTEGER));
  });

  it('gives a single value back as it was, and a sum as the nearest double', () => {
    fc.assert(fc.property(ordinary, (value) => sumOf([value]).value === value));
    expect(sumOf([0.1, 0.2]).value).toBe(0.30000000000000004);
    expect(sumOf([2 ** 44, 2 ** -60]).toJSON()).toEqual([0, 1, 0, 1]);
    expect(sumOf(Array.from({ length: 10 }, () => 0.1)).value).toBe(1);
  });

  it('carries from limb to limb where one is just full', () => {
    for (const unit of [2 ** 44, 2 ** -8, 2 ** -60]) {
      const whole = sumOf([unit - unit * 2 ** -52, unit * 2 ** -52]);
      expect(whole.toJSON()).toEqual(sumOf([unit]).toJSON());
      expect(whole.value).toBe(unit);
    }
  });

  it('never falls while values are added', () => {
    fc.assert(
      fc.property(fc.array(any, { maxLength: 40 }), (values) => {
        const sum = new ExactSum();
        for (const value of values) {
          const before = sum.value;
          sum.add(value);
          expect(sum.value).toBeGreaterThanOrEqual(before);
        }
      }),
    );
  });

  it('drops what is below 2⁻¹¹² and stops at 2⁹⁷', () => {
    expect(sumOf([1e-300, Number.MIN_VALUE]).toJSON()).toEqual([]);
    expect(sumOf([Number.MAX_VALUE]).value).toBe(2 ** 80);
    const full = new ExactSum();
    full.add(Number.MAX_VALUE, 2 ** 20);
    expect(full.value).toBe(2 ** 97);
    full.merge(full);
    expect(full.value).toBe(2 ** 97);
  });

  it('survives JSON whole, and a copy goes its own way', () => {
    fc.assert(
      fc.property(fc.array(any, { maxLength: 20 }), ordinary, (values, more) => {
        const sum = sumOf(values);
        const restored = ExactSum.fromJSON(JSON.parse(JSON.stringify(sum)) as number[]);
        const copy = sum.clone();
        expect(restored.toJSON()).toEqual(sum.toJSON());
        restored.add(more);
        sum.add(more);
        expect(restored.toJSON()).toEqual(sum.toJSON());
        expect(copy.toJSON()).toEqual(sumOf(values).toJSON());
      }),
    );
    expect(new ExactSum().toJSON()).toEqual([]);
  });

  it.each([NaN, Infinity, -Infinity, -1, -Number.MIN_VALUE])('refuses to add %d', (value) => {
    expect(() => new ExactSum().add(value)).toThrow(RangeError);
  });

  it.each([0, -1, 1.5, NaN, Infinity, 2 ** 53])('refuses to add %d times', (times) => {
    expect(() => new ExactSum().add(1, times)).toThrow(RangeError);
  });

  it.each([
    [[0]],
    [[1, 0]],
    [[-1]],
    [[0.5]],
    [[2 ** 52]],
    [[NaN]],
    [[0, 0, 0, 2 ** 53 + 2]],
    [[1, 1, 1, 1, 1]],
    [['1' as unknown as number]],
  ])('refuses the limbs %j', (limbs) => {
    expect(() => ExactSum.fromJSON(limbs)).toThrow(RangeError);
  });
});
