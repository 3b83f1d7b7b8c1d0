import { describe, expect, it } from 'vitest';
import { UsageRefusals } from './usage-refusals.js';

describe('UsageRefusals', () => {
  it('remembers a model for an hour', () => {
    const refusals = new UsageRefusals();
    refusals.note('m', 5);
    expect([refusals.has('m', 5), refusals.has('m', 3_600_004), refusals.has('m', 3_600_005), refusals.has('n', 5)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('remembers a thousand models, and forgets the one that was noted longest ago', () => {
    const refusals = new UsageRefusals();
    for (let index = 0; index < 1_000; index += 1) refusals.note(`m${index}`, 0);
    refusals.note('m0', 0);
    refusals.note('new', 0);
    expect(['m0', 'm1', 'm2', 'new'].map((model) => refusals.has(model, 1))).toEqual([true, false, true, true]);
  });
});
