import { describe, expect, it } from 'vitest';
import { brokerClockFinding, ownClockFinding } from './clock-finding.js';

describe('the clock', () => {
  it.each([
    [9_999, 'ok', /^within 10\.0 s of the broker/],
    [-3, 'ok', /^within 0\.1 s of the broker/],
    [10_000, 'warn', /^this clock is 10\.0 s behind the broker/],
    [-59_999, 'warn', /^this clock is 60\.0 s ahead of the broker/],
    [60_000, 'fail', /60\.0 s behind/],
    [-3_600_000, 'fail', /3600\.0 s ahead of/],
  ])('%i ms from the broker’s is %s', (brokerAheadMs, verdict, found) => {
    expect(brokerClockFinding({ brokerAheadMs, upstreamAheadMs: 1e9 })).toMatchObject({
      verdict,
      found: expect.stringMatching(found) as string,
    });
  });

  it.each([
    [undefined, 'skip'],
    [400, 'ok'],
    [-20_000, 'warn'],
    [-3_600_000, 'warn'],
  ])('where nothing is appended, %s ms from the model server’s, never more than a warning: %s', (upstreamAheadMs, verdict) => {
    const finding = brokerClockFinding({ brokerAheadMs: undefined, upstreamAheadMs });
    expect(finding.verdict).toBe(verdict);
    expect(finding.found).toContain('nothing is being appended');
  });

  it.each([
    [undefined, 'ok'],
    [5_000, 'ok'],
    [19_999, 'ok'],
    [20_000, 'warn'],
  ])('of the embedded log shows only that it was set back: newest record at %s', (newestMs, verdict) => {
    expect(ownClockFinding(newestMs, 10_000).verdict).toBe(verdict);
  });
});
