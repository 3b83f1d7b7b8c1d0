import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deadline } from './deadline.js';

let due: number;
let deadline: Deadline;

beforeEach(() => {
  vi.useFakeTimers();
  due = 0;
  deadline = new Deadline(() => (due += 1));
});

afterEach(() => {
  vi.useRealTimers();
});

describe('Deadline', () => {
  it('comes when its time is over, once', () => {
    deadline.set(100);
    vi.advanceTimersByTime(99);
    expect(due).toBe(0);
    vi.advanceTimersByTime(1);
    expect(due).toBe(1);
    vi.advanceTimersByTime(1_000);
    expect(due).toBe(1);
  });

  it('moves away when it is set anew, with one timer', () => {
    for (let round = 0; round < 50; round += 1) {
      deadline.set(100);
      vi.advanceTimersByTime(60);
      expect(vi.getTimerCount()).toBe(1);
    }
    expect(due).toBe(0);
    vi.advanceTimersByTime(40);
    expect(due).toBe(1);
  });

  it('comes nearer when the new limit is the shorter one', () => {
    deadline.set(1_000);
    deadline.set(20);
    vi.advanceTimersByTime(20);
    expect(due).toBe(1);
  });

  it('does not come once it was cleared, unless it is set again', () => {
    deadline.set(100);
    deadline.clear();
    vi.advanceTimersByTime(50);
    deadline.set(100);
    vi.advanceTimersByTime(99);
    expect(due).toBe(0);
    vi.advanceTimersByTime(1);
    expect(due).toBe(1);
  });

  it('leaves no timer behind when it is stopped', () => {
    deadline.set(100);
    deadline.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('can be set from within its own call', () => {
    deadline = new Deadline(() => {
      due += 1;
      if (due < 3) deadline.set(10);
    });
    deadline.set(10);
    vi.advanceTimersByTime(30);
    expect(due).toBe(3);
  });
});
