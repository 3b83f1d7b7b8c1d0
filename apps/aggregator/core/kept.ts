import type { GatewayHeartbeat, GpuReading } from '#libs/contracts';

/** Of a gateway's heartbeat, what the fold keeps. */
export const GAUGES = ['waiting', 'running', 'peak_running', 'max_concurrent', 'spooled', 'dropped'] as const;
export type Gauges = Pick<GatewayHeartbeat, (typeof GAUGES)[number]>;

/** Of a GPU's reading, what the fold keeps. */
export const READING_FIELDS = [
  'host',
  'uuid',
  'index',
  'name',
  'vendor',
  'memory_used_bytes',
  'memory_total_bytes',
  'memory_free_bytes',
  'compute_utilization_percent',
  'temperature_celsius',
  'power_watts',
  'energy_joules',
  'driver_version',
] as const;
type Field = string | number;

export function gaugesOf(heartbeat: Gauges): Gauges {
  const { waiting, running, peak_running: peakRunning, max_concurrent: maxConcurrent, spooled, dropped } = heartbeat;
  return { waiting, running, peak_running: peakRunning, max_concurrent: maxConcurrent, spooled, dropped };
}

/** The reading's kept fields by position; what the driver did not give is null. */
export function readingValues(reading: GpuReading): readonly (Field | null)[] {
  return READING_FIELDS.map((name) => reading[name] ?? null);
}

/** The inverse of `readingValues`. */
export function readingFrom(values: readonly (Field | null)[]): GpuReading {
  const known = READING_FIELDS.flatMap((name, index) => (values[index] === null ? [] : [[name, values[index]] as const]));
  return Object.fromEntries(known) as unknown as GpuReading;
}
