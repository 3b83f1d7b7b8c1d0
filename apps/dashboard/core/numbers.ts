/** `0.68s`; whole seconds from 100 on. */
export function seconds(value: number): string {
  return `${value.toFixed(value < 100 ? 2 : 0)}s`;
}

/** Tokens per second: `3.2`; whole from 1000 on. */
export function rate(value: number): string {
  return value.toFixed(value < 1000 ? 1 : 0);
}

/** `7.64/9.64 GB`; one decimal from 100 GB on. */
export function memory(usedGb: number, totalGb: number): string {
  const decimals = totalGb < 100 ? 2 : 1;
  return `${usedGb.toFixed(decimals)}/${totalGb.toFixed(decimals)} GB`;
}

export function percent(value: number): string {
  return `${value.toFixed(1)}%`;
}

/** `[██████░░░░]`: full only when it is full, empty only when it is empty; `width` counts the inside. */
export function bar(share: number, width: number): string {
  const whole = share >= 1 ? width : Math.min(width - 1, Math.floor(share * width));
  const filled = share > 0 ? Math.max(1, whole) : 0;
  return `[${'█'.repeat(filled)}${'░'.repeat(Math.max(0, width - filled))}]`;
}

/** Names of second, minute, hour and day. */
export type DurationUnits = readonly [string, string, string, string];

/** The greatest units of a duration, two at most: `12 s`, `3 min 5 s`, `2 d 4 h`. Less than nothing counts as nothing. */
export function duration(durationSeconds: number, units: DurationUnits, most: 1 | 2 = 2): string {
  const whole = Math.max(0, Math.floor(durationSeconds));
  const counts = [whole % 60, Math.floor(whole / 60) % 60, Math.floor(whole / 3600) % 24, Math.floor(whole / 86_400)];
  const greatest = counts.findLastIndex((count, index) => count > 0 || index === 0);
  const shown = counts.map((count, index) => ({ count, unit: units[index]! })).slice(Math.max(0, greatest + 1 - most), greatest + 1);
  return shown
    .toReversed()
    .filter(({ count }, index) => index === 0 || count > 0)
    .map(({ count, unit }) => `${count} ${unit}`)
    .join(' ');
}
