import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Pacer, type Paced } from './pacer.js';

/** Runs at the given times, and notes when it did. */
class Ticks implements Paced {
  readonly ranAt: number[] = [];

  constructor(private readonly dues: number[]) {}

  run(): number | undefined {
    this.ranAt.push(performance.now());
    return this.dues.shift();
  }
}

beforeEach(() => vi.useFakeTimers({ now: 0 }));
afterEach(() => vi.useRealTimers());

describe('Pacer', () => {
  it('runs at once what is due already', () => {
    const ticks = new Ticks([]);
    new Pacer().start(ticks, performance.now());
    expect(ticks.ranAt).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('keeps to the times of many things with one timer', () => {
    const pacer = new Pacer();
    const start = performance.now();
    const all = Array.from({ length: 200 }, (_, index) => new Ticks([start + index + 40, start + index + 90]));
    for (const [index, ticks] of all.entries()) pacer.start(ticks, start + index + 1);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(1000);
    for (const [index, ticks] of all.entries()) {
      const due = [index + 1, index + 40, index + 90];
      expect(ticks.ranAt.map((ranAt, run) => Math.abs(ranAt - start - due[run]!) <= 1)).toEqual([true, true, true]);
    }
    expect(vi.getTimerCount()).toBe(0);
  });

  it('brings the timer forward for something earlier', () => {
    const pacer = new Pacer();
    const late = new Ticks([]);
    const early = new Ticks([]);
    pacer.start(late, performance.now() + 500);
    pacer.start(early, performance.now() + 5);
    vi.advanceTimersByTime(10);
    expect([early.ranAt.length, late.ranAt.length]).toEqual([1, 0]);
    vi.advanceTimersByTime(500);
    expect(late.ranAt).toHaveLength(1);
  });

  it('lets the others run between two turns of one that is always due', () => {
    const pacer = new Pacer();
    const start = performance.now();
    const greedy = new Ticks(Array.from({ length: 100 }, () => start));
    const modest = new Ticks([]);
    pacer.start(greedy, start + 1);
    pacer.start(modest, start + 1);
    vi.advanceTimersByTime(1);
    expect(modest.ranAt).toHaveLength(1);
    expect(greedy.ranAt.length).toBeLessThan(100);
    vi.advanceTimersByTime(100);
    expect(greedy.ranAt).toHaveLength(101);
  });

  it('forgets what waits when it is closed', () => {
    const pacer = new Pacer();
    const ticks = new Ticks([]);
    pacer.start(ticks, performance.now() + 10);
    pacer.close();
    pacer.start(ticks, performance.now() + 10);
    vi.advanceTimersByTime(100);
    expect([ticks.ranAt.length, vi.getTimerCount()]).toEqual([0, 0]);
  });
});
