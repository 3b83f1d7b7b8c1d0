import { expect, it } from 'vitest';
import { startOf } from './start-time.js';

const NOW_MS = Date.parse('2026-01-01T12:00:00Z');

it.each([
  ['beginning', 'beginning'],
  ['now', 'now'],
  ['30s', NOW_MS - 30_000],
  ['15m', NOW_MS - 900_000],
  ['2h', NOW_MS - 7_200_000],
  ['1d', NOW_MS - 86_400_000],
  ['2026-01-01T09:00:00Z', Date.parse('2026-01-01T09:00:00Z')],
  ['2026-01-01t09:00:00.25z', Date.parse('2026-01-01T09:00:00.250Z')],
  ['2026-01-01 09:00:00+08:00', Date.parse('2026-01-01T01:00:00Z')],
])('%s is understood', (text, expected) => {
  expect(startOf(text, NOW_MS)).toBe(expected);
});

it.each(['', 'later', '15', 'm', '-15m', '1.5h', '15 m', '1w', '2026', '2026-01-01', '2026-01-01T09:00:00', '2026-13-01T09:00:00Z'])(
  '%j is not',
  (text) => {
    expect(startOf(text, NOW_MS)).toBeUndefined();
  },
);
