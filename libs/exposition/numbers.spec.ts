import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundText, valueText } from './numbers.js';

describe('boundText', () => {
  // As prometheus_client for Python and strconv.FormatFloat(f, 'g', -1, 64) have them.
  it.each([
    [0, '0.0'],
    [0.001, '0.001'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [0.0000125, '1.25e-05'],
    [0.25, '0.25'],
    [1, '1.0'],
    [2.5, '2.5'],
    [10, '10.0'],
    [2560, '2560.0'],
    [500_000, '500000.0'],
    [999_999, '999999.0'],
    [1_000_000, '1e+06'],
    [1_048_576, '1.048576e+06'],
    [2_000_000, '2e+06'],
    [1e10, '1e+10'],
    [1e100, '1e+100'],
    [Number.POSITIVE_INFINITY, '+Inf'],
  ])('of %d is %s', (bound, text) => {
    expect(boundText(bound)).toBe(text);
  });

  it('says every bound exactly', () => {
    const bounds = fc.double({ noNaN: true, min: 0, maxExcluded: true });
    fc.assert(
      fc.property(bounds, (bound) => {
        expect(Number(boundText(bound))).toBe(bound);
      }),
    );
  });
});

describe('valueText', () => {
  it.each([
    [0, '0'],
    [-0, '0'],
    [3, '3'],
    [0.1, '0.1'],
    [1e21, '1e+21'],
    [12_345_678_901, '12345678901'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
  ])('of %d is %s', (value, text) => {
    expect(valueText(value)).toBe(text);
  });
});
