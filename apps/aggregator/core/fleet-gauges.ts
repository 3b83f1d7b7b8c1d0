import type { GpuDocument, GpuReading, MetricsDocument } from '#libs/contracts';
import type { Gauges } from './kept.js';
import type { GpuState, PartitionState } from './partition-state.js';
import type { Producer } from './producer.js';
import { round } from './round.js';

const GIB = 1024 ** 3;
type Memory = Pick<GpuReading, 'memory_used_bytes' | 'memory_total_bytes' | 'memory_free_bytes'>;

/** What holds at the fleet's newest moment, whatever the window. */
export interface FleetClock {
  /** The newest record time over all partitions, in Unix ms: the fleet's now. 0 with no data. */
  readonly logTimeMs: number;
  /** When the counters began, in Unix ms. */
  readonly firstTimeMs: number;
}

export function clockOf(states: readonly PartitionState[]): FleetClock {
  const begun = states.filter((state) => state.firstTimeMs > 0);
  if (begun.length === 0) return { logTimeMs: 0, firstTimeMs: 0 };
  return {
    logTimeMs: Math.max(...begun.map((state) => state.logTimeMs)),
    firstTimeMs: Math.min(...begun.map((state) => state.firstTimeMs)),
  };
}

/** The last heartbeats of the gateways that live. Every partition has them all; the newest one is asked. */
export function liveGateways(states: readonly PartitionState[]): readonly Gauges[] {
  return gatewaysOf(states).flatMap(({ alive, heartbeat }) => (alive ? (heartbeat ?? []) : []));
}

/** A gateway that is gone is told of for this long. */
const GATEWAY_SHOWN_MS = 3_600_000;

/** What a gateway last said of itself; it is `up` while any of its lives is. */
export interface GatewayStanding {
  readonly name: string;
  readonly isUp: boolean;
  readonly heartbeat: Gauges;
}

/** Every gateway that was heard of within an hour of log time, by name. */
export function gatewayStandings(states: readonly PartitionState[], { logTimeMs }: FleetClock): readonly GatewayStanding[] {
  const newest = new Map<string, Producer>();
  for (const producer of gatewaysOf(states)) {
    const other = newest.get(producer.source);
    if (producer.heartbeat && (!other || isNewer(producer, other))) newest.set(producer.source, producer);
  }
  const shown = [...newest.values()].filter(({ lastSeenMs }) => logTimeMs - lastSeenMs <= GATEWAY_SHOWN_MS);
  const standings = shown.map(({ source, alive, heartbeat }) => ({
    name: source.slice('/gateways/'.length),
    isUp: alive,
    heartbeat: heartbeat!,
  }));
  return standings.toSorted((a, b) => compare(a.name, b.name));
}

function isNewer(one: Producer, other: Producer): boolean {
  return one.alive === other.alive ? one.lastSeenMs >= other.lastSeenMs : one.alive;
}

/** Events that gateways had to drop, the dead ones included for as long as they are remembered. */
export function droppedEvents(states: readonly PartitionState[]): number {
  return gatewaysOf(states).reduce((sum, { heartbeat }) => sum + (heartbeat?.dropped ?? 0), 0);
}

function gatewaysOf(states: readonly PartitionState[]): readonly Producer[] {
  const newest = newestOf(states);
  return newest ? [...newest.producers.all()].filter(({ isGateway }) => isGateway) : [];
}

/** Seconds since any gateway's last heartbeat; since the counters began, if there was none. */
export function gatewaySilenceSeconds(states: readonly PartitionState[]): number {
  const { logTimeMs, firstTimeMs } = clockOf(states);
  const last = Math.max(firstTimeMs, ...states.map((state) => state.lastGatewayHeartbeatMs));
  return (logTimeMs - last) / 1000;
}

/** The latest reading of every GPU, by host, index and uuid. */
export function latestReadings(states: readonly PartitionState[]): readonly GpuState[] {
  const newest = new Map<string, GpuState>();
  for (const state of states) {
    for (const [key, gpu] of state.gpus) if (gpu.atMs > (newest.get(key)?.atMs ?? -1)) newest.set(key, gpu);
  }
  return [...newest.values()].toSorted(({ reading: a }, { reading: b }) => {
    return compare(a.host, b.host) || a.index - b.index || compare(a.uuid, b.uuid);
  });
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Seconds since the newest reading of any GPU; 0 without a GPU. */
export function gpuAgeSeconds(gpus: readonly GpuState[], { logTimeMs }: FleetClock): number {
  return gpus.length === 0 ? 0 : (logTimeMs - Math.max(...gpus.map(({ atMs }) => atMs))) / 1000;
}

export function gpuDocuments(gpus: readonly GpuState[], logTimeMs: number): readonly GpuDocument[] {
  return gpus.map(({ reading, atMs }) => gpuDocument(reading, (logTimeMs - atMs) / 1000));
}

/** Memory summed over the fleet's GPUs, and the name of the set; "Unknown" and zeros without a GPU. */
export function gpuSummary(gpus: readonly GpuState[]): MetricsDocument['gpu'] {
  return { name: gpuSetName(gpus), ...memoryOf(memorySum(gpus)) };
}

/** Memory used of all the memory that the fleet's GPUs have, in percent; 0 without a GPU. */
export function memoryPercent(gpus: readonly GpuState[]): number {
  return percentUsed(memorySum(gpus));
}

function memorySum(gpus: readonly GpuState[]): Memory {
  const sum = (of: (reading: GpuReading) => number): number => gpus.reduce((bytes, { reading }) => bytes + of(reading), 0);
  return {
    memory_used_bytes: sum((reading) => reading.memory_used_bytes),
    memory_total_bytes: sum((reading) => reading.memory_total_bytes),
    memory_free_bytes: sum((reading) => reading.memory_free_bytes),
  };
}

/** `"NVIDIA H100"`, `"4 × NVIDIA H100"`, `"2 × A, 1 × B"`. */
function gpuSetName(gpus: readonly GpuState[]): string {
  const counts = new Map<string, number>();
  for (const { reading } of gpus) counts.set(reading.name, (counts.get(reading.name) ?? 0) + 1);
  if (gpus.length <= 1) return gpus[0]?.reading.name ?? 'Unknown';
  return [...counts].map(([name, count]) => `${count} × ${name}`).join(', ');
}

function memoryOf(memory: Memory) {
  return {
    allocated_gb: round(memory.memory_used_bytes / GIB, 2),
    total_gb: round(memory.memory_total_bytes / GIB, 2),
    free_gb: round(memory.memory_free_bytes / GIB, 2),
    utilization_percent: round(percentUsed(memory), 1),
  };
}

function percentUsed({ memory_used_bytes: used, memory_total_bytes: total }: Memory): number {
  return total > 0 ? (used / total) * 100 : 0;
}

function gpuDocument(reading: GpuReading, ageSeconds: number): GpuDocument {
  return {
    host: reading.host,
    uuid: reading.uuid,
    index: reading.index,
    name: reading.name,
    vendor: reading.vendor,
    ...memoryOf(reading),
    ...(reading.compute_utilization_percent !== undefined && { compute_utilization_percent: reading.compute_utilization_percent }),
    ...(reading.temperature_celsius !== undefined && { temperature_celsius: reading.temperature_celsius }),
    ...(reading.power_watts !== undefined && { power_watts: reading.power_watts }),
    ...(reading.energy_joules !== undefined && { energy_joules: reading.energy_joules }),
    ...(reading.driver_version !== undefined && { driver_version: reading.driver_version }),
    reading_age_seconds: round(ageSeconds, 1),
  };
}

function newestOf(states: readonly PartitionState[]): PartitionState | undefined {
  let newest: PartitionState | undefined;
  for (const state of states) if (!newest || state.logTimeMs > newest.logTimeMs) newest = state;
  return newest;
}
