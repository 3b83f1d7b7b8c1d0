import type { GpuReading } from '#libs/contracts';

/** What nvidia-smi is asked for. The name stands last: it may hold commas, and nothing is quoted. */
export const REQUIRED_FIELDS = ['index', 'uuid', 'memory.used', 'memory.total', 'memory.free', 'name'] as const;
/** Drivers that do not know one of these refuse the whole query; the probe then asks again without it. */
export const OPTIONAL_FIELDS = ['memory.reserved', 'utilization.gpu', 'temperature.gpu', 'power.draw', 'driver_version'] as const;
export type OptionalField = (typeof OPTIONAL_FIELDS)[number];

/** The fields of one query, in the order of its columns. */
export function fieldsOf(unknownToDriver: ReadonlySet<string>): readonly string[] {
  return [...REQUIRED_FIELDS.slice(0, -1), ...OPTIONAL_FIELDS.filter((field) => !unknownToDriver.has(field)), 'name'];
}

/** The optional field that the driver says it does not know, if that is what the text says. */
export function unknownFieldIn(text: string): OptionalField | undefined {
  const named = /Field "([^"]+)" is not a valid field/.exec(text)?.[1];
  return OPTIONAL_FIELDS.find((field) => field === named);
}

export interface ParsedOutput {
  readonly readings: readonly GpuReading[];
  /** The first line that describes no device that can be reported: the driver's complaint, or a device without memory figures. */
  readonly complaint?: string;
}

const MIB = 1_048_576;
const MAX_COMPLAINT = 200;

/** Reads the CSV of `--format=csv,noheader,nounits`. A device whose memory is unknown is left out; anything else unknown is absent. */
export function parseNvidiaSmi(output: string, fields: readonly string[], host: string): ParsedOutput {
  const lines = output.split(/\r?\n/).map((line) => line.trim());
  const readings: GpuReading[] = [];
  let complaint: string | undefined;
  for (const line of lines) {
    if (line === '') continue;
    const reading = readingOf(columnsOf(line, fields), host);
    if (reading) readings.push(reading);
    else if (!/^no devices were found/i.test(line)) complaint ??= firstLine(line);
  }
  return complaint === undefined ? { readings } : { readings, complaint };
}

/** The first line that says something, shortened: drivers complain at length. */
export function firstLine(text: string): string {
  const line = text.split(/\r?\n/).find((candidate) => candidate.trim() !== '') ?? '';
  return line.trim().slice(0, MAX_COMPLAINT);
}

function columnsOf(line: string, fields: readonly string[]): ReadonlyMap<string, string> {
  const values = line.split(',');
  const last = values.splice(fields.length - 1).join(',');
  return new Map([...values, last].map((value, index) => [fields[index]!, value.trim()]));
}

function readingOf(columns: ReadonlyMap<string, string>, host: string): GpuReading | undefined {
  const index = numberIn(columns.get('index'), 0, 4096);
  const uuid = wordIn(columns.get('uuid'), 128);
  const name = wordIn(columns.get('name'), 256);
  const memory = memoryOf(columns);
  if (index === undefined || uuid === undefined || name === undefined || memory === undefined) return undefined;
  const reserved = bytesIn(columns.get('memory.reserved'));
  return {
    host,
    uuid,
    index,
    name,
    vendor: 'NVIDIA',
    ...memory,
    ...given('memory_reserved_bytes', reserved),
    ...given('compute_utilization_percent', numberIn(columns.get('utilization.gpu'), 0, 100)),
    ...given('temperature_celsius', numberIn(columns.get('temperature.gpu'), -273.15, 1000)),
    ...given('power_watts', numberIn(columns.get('power.draw'), 0, 1e6)),
    ...given('driver_version', wordIn(columns.get('driver_version'), 64)),
  };
}

type Memory = Pick<GpuReading, 'memory_used_bytes' | 'memory_total_bytes' | 'memory_free_bytes'>;

function memoryOf(columns: ReadonlyMap<string, string>): Memory | undefined {
  const used = bytesIn(columns.get('memory.used'));
  const total = bytesIn(columns.get('memory.total'));
  const free = bytesIn(columns.get('memory.free'));
  if (used === undefined || free === undefined || !total || used > total) return undefined;
  return { memory_used_bytes: used, memory_total_bytes: total, memory_free_bytes: free };
}

function given<K extends keyof GpuReading>(key: K, value: GpuReading[K] | undefined): Partial<GpuReading> {
  return value === undefined ? {} : { [key]: value };
}

function bytesIn(text: string | undefined): number | undefined {
  const mebibytes = numberIn(text, 0, 2 ** 30);
  return mebibytes === undefined ? undefined : Math.round(mebibytes * MIB);
}

/** Undefined for `[N/A]`, `[Not Supported]`, `[Unknown Error]`, `ERR!` and all else that is no number; some old drivers print the unit. */
function numberIn(text: string | undefined, min: number, max: number): number | undefined {
  const digits = /^(-?\d+(?:\.\d+)?)(?: (?:MiB|%|W|C))?$/.exec(text ?? '')?.[1];
  if (digits === undefined) return undefined;
  const value = Number(digits);
  return value >= min && value <= max ? value : undefined;
}

function wordIn(text: string | undefined, maxLength: number): string | undefined {
  const isWord = text !== undefined && text !== '' && text.length <= maxLength && !/^\[.*\]$|^N\/A$|^ERR!$/.test(text);
  return isWord ? text : undefined;
}
