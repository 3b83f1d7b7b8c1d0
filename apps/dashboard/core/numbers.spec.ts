import { describe, expect, it } from 'vitest';
import { bar, duration, memory, percent, rate, seconds } from './numbers.js';

describe('figures', () => {
  it.each([
    [seconds(0.6789), '0.68s'],
    [seconds(123.4), '123s'],
    [rate(3.41), '3.4'],
    [rate(12_345.6), '12346'],
    [memory(7.64, 9.64), '7.64/9.64 GB'],
    [memory(250.25, 320), '250.3/320.0 GB'],
    [percent(79.25), '79.3%'],
  ])('%s', (figure, expected) => {
    expect(figure).toBe(expected);
  });
});

describe('bar', () => {
  it.each([
    [1 / 3, '[██████░░░░░░░░░░░░░░]'],
    [0, '[░░░░░░░░░░░░░░░░░░░░]'],
    [1 / 256, '[█░░░░░░░░░░░░░░░░░░░]'],
    [255 / 256, '[███████████████████░]'],
    [1, '[████████████████████]'],
    [1.5, '[████████████████████]'],
    [-1, '[░░░░░░░░░░░░░░░░░░░░]'],
    [0.15, '[███░░░░░░░░░░░░░░░░░]'],
  ])('draws %d of 20', (share, expected) => {
    expect(bar(share, 20)).toBe(expected);
  });
});

describe('duration', () => {
  const units = ['s', 'min', 'h', 'd'] as const;

  it.each([
    [0, '0 s'],
    [-3, '0 s'],
    [59.9, '59 s'],
    [60, '1 min'],
    [185, '3 min 5 s'],
    [3600, '1 h'],
    [3605, '1 h'],
    [7500, '2 h 5 min'],
    [180_000, '2 d 2 h'],
  ])('%d s is %s', (value, expected) => {
    expect(duration(value, units)).toBe(expected);
  });

  it('names one unit where there is room for one', () => {
    expect(duration(185, units, 1)).toBe('3 min');
  });
});
