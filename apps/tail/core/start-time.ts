/** From where the log is read: what it took in at that time (Unix ms) or later, or one of its ends. */
export type Start = 'beginning' | 'now' | number;

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads `beginning`, `now`, a time, or how long before `nowMs` it was (`15m`); undefined for anything else. */
export function startOf(text: string, nowMs: number): Start | undefined {
  if (text === 'beginning' || text === 'now') return text;
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (unit !== undefined) return nowMs - Number(count) * UNIT_MS[unit]!;
  const timeMs = RFC_3339.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
