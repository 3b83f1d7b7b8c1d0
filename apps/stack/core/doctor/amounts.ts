const BYTE_UNITS: readonly [string, number][] = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
];

/** `1.5 GiB`; whole bytes below 1 KiB. */
export function bytesText(bytes: number): string {
  const [unit, size] = BYTE_UNITS.find(([, each]) => bytes >= each) ?? ['bytes', 1];
  const amount = bytes / size;
  return `${amount >= 100 ? Math.round(amount) : Math.round(amount * 10) / 10} ${unit}`;
}

/** `3 days`, `36 hours`: in the largest unit that leaves no rest. */
export function timeText(ms: number): string {
  if (ms % 86_400_000 === 0) return counted(ms / 86_400_000, 'day');
  if (ms % 3_600_000 === 0) return counted(ms / 3_600_000, 'hour');
  return `${Math.round(ms / 100) / 10} s`;
}

/** `1 model`, `2 models`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** At most `most` of the names, and how many more there are. */
export function listed(names: readonly string[], most = 3): string {
  const more = names.length - most;
  return more > 0 ? `${names.slice(0, most).join(', ')} and ${more} more` : names.join(', ');
}
