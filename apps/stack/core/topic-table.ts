/** One line of what `npm run topics` shows. */
export interface TopicRow {
  readonly name: string;
  readonly partitions: number;
  readonly policy: string;
  readonly retentionMs?: number | undefined;
  readonly retentionBytes?: number | undefined;
  readonly clock: string;
  /** `there`, `created` or `missing`. */
  readonly state: string;
}

const HEAD = ['topic', 'partitions', 'policy', 'kept for', 'kept bytes', 'clock', ''];
const UNITS: readonly [string, number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

/** A table of aligned columns, without an end of line. */
export function topicTable(rows: readonly TopicRow[]): string {
  const lines = [HEAD, ...rows.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cellsOf({ name, partitions, policy, retentionMs, retentionBytes, clock, state }: TopicRow): readonly string[] {
  return [name, String(partitions), policy, timeText(retentionMs), retentionBytes?.toString() ?? 'all', clock, state];
}

/** In the largest unit that leaves no rest. */
function timeText(ms: number | undefined): string {
  if (ms === undefined) return 'ever';
  const [unit, size] = UNITS.find(([, each]) => ms % each === 0) ?? ['ms', 1];
  return `${ms / size} ${unit}`;
}
