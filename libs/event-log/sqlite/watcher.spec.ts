import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Bell } from '../bell.js';
import type { Reader } from './reader.js';
import { Watcher } from './watcher.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('hears of a change of members although the database could not be read at first', () => {
  let isReadable = false;
  const reader = {
    dataVersion: () => 1,
    ends: () => new Map(),
    membershipVersion() {
      if (!isReadable) throw new Error('locked');
      return 1;
    },
  };
  const changed = vi.fn<() => void>();
  const bell = new Bell();
  const ring = vi.spyOn(bell, 'ring');
  const unwatch = new Watcher(reader as unknown as Reader, true, changed).watch([7], bell);
  vi.advanceTimersByTime(100);
  expect([ring.mock.calls.length, changed.mock.calls.length]).toEqual([1, 0]);
  isReadable = true;
  vi.advanceTimersByTime(200);
  expect(changed).toHaveBeenCalledTimes(1);
  unwatch();
  expect(vi.getTimerCount()).toBe(0);
});
