import { describe, expect, it } from 'vitest';
import { Progress } from './progress.js';

const delays = Float64Array.from([100, 10, 10, 10]);

function dues(slowdown: () => number): number[] {
  const progress = new Progress(delays, 1000, slowdown);
  const seen = [progress.dueMs];
  while (!progress.isLast) {
    progress.advance();
    seen.push(progress.dueMs);
  }
  return seen;
}

describe('Progress', () => {
  it('adds the delays up from the start, whenever it is asked', () => {
    expect(dues(() => 1)).toEqual([1100, 1110, 1120, 1130]);
  });

  it('lets load act from the next step on', () => {
    const load = [2, 1, 3, 1];
    expect(dues(() => load.shift()!)).toEqual([1200, 1210, 1240, 1250]);
  });

  it('starts at step 0 and knows the last', () => {
    const progress = new Progress(Float64Array.of(5), 0, () => 1);
    expect([progress.step, progress.isLast, progress.dueMs]).toEqual([0, true, 5]);
  });
});
