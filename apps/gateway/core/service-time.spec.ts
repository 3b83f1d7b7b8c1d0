import { describe, expect, it } from 'vitest';
import { ServiceTime } from './service-time.js';

describe('ServiceTime', () => {
  it('says one second while nothing has been measured', () => {
    expect(new ServiceTime().retryAfterSeconds(1000, 1)).toBe(1);
  });

  it('tells the wait from the rate at which places become free', () => {
    const times = new ServiceTime();
    times.note(4_000);
    expect([times.retryAfterSeconds(9, 10), times.retryAfterSeconds(9, 4), times.retryAfterSeconds(0, 1)]).toEqual([4, 10, 4]);
  });

  it('follows a change of load within some dozens of requests', () => {
    const times = new ServiceTime();
    times.note(100);
    for (let count = 0; count < 100; count += 1) times.note(20_000);
    expect(times.retryAfterSeconds(0, 1)).toBe(20);
  });

  it('stays between one second and five minutes', () => {
    const times = new ServiceTime();
    times.note(1);
    expect(times.retryAfterSeconds(0, 100)).toBe(1);
    for (let count = 0; count < 100; count += 1) times.note(600_000);
    expect(times.retryAfterSeconds(1000, 1)).toBe(300);
  });
});
