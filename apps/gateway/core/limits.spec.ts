import { describe, expect, it } from 'vitest';
import { changedLimits, limitsDocument } from './limits.js';

const LIMITS = { maxConcurrent: 3, maxQueue: 10 };

describe('limits', () => {
  it('are changed where the change says so, and stay elsewhere', () => {
    expect(changedLimits(LIMITS, { max_concurrent_requests: 5 })).toEqual({ ok: true, limits: { maxConcurrent: 5, maxQueue: 10 } });
    const change = { max_queue_size: 0, max_concurrent_per_tenant: 2, max_queue_per_tenant: 4 };
    const limits = { maxConcurrent: 3, maxQueue: 0, maxConcurrentPerTenant: 2, maxQueuePerTenant: 4 };
    expect(changedLimits(LIMITS, change)).toEqual({ ok: true, limits });
    expect(changedLimits(LIMITS, {})).toEqual({ ok: true, limits: LIMITS });
  });

  it('of a tenant are taken away by 0', () => {
    const limits = { ...LIMITS, maxConcurrentPerTenant: undefined };
    expect(changedLimits({ ...LIMITS, maxConcurrentPerTenant: 2 }, { max_concurrent_per_tenant: 0 })).toEqual({ ok: true, limits });
  });

  it.each([
    [[1], 'The limits must be a JSON object.'],
    [{ max_concurrent_requests: 0 }, 'max_concurrent_requests must be a whole number from 1 to 1000000.'],
    [{ max_queue_size: '5' }, 'max_queue_size must be a whole number from 0 to 1000000.'],
    [{ max_queue_per_tenant: 1.5 }, 'max_queue_per_tenant must be a whole number from 0 to 1000000.'],
    [{ maxQueue: 5 }, expect.stringMatching(/^A limit has an unknown name; allowed: max_concurrent_requests, /) as string],
  ])('are not changed at all by %j', (change, problem) => {
    expect(changedLimits(LIMITS, change)).toEqual({ ok: false, problem });
  });

  it('are shown by the names that the change takes', () => {
    const shown = { max_concurrent_requests: 3, max_queue_size: 10, max_concurrent_per_tenant: 2, max_queue_per_tenant: 0 };
    const limits = { ...LIMITS, maxConcurrentPerTenant: 2 };
    expect(limitsDocument(limits)).toEqual(shown);
    expect(changedLimits(limits, shown)).toMatchObject({ ok: true, limits });
  });
});
