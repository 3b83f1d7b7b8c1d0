import type { GpuReading } from '#libs/contracts';

const MIB = 1_048_576;
/** The 9.64 GiB that a GeForce RTX 3080 shows. */
const TOTAL_MIB = 9_871;
const MEMORY_WAVE_MS = 300_000;
const COMPUTE_WAVE_MS = 47_000;

/** How far memory use goes above and below its mean, as a share. */
const MEMORY_SWING = 0.06;

/** A plausible GPU at a time: memory use rises and falls slowly, some 6 % about its mean. The same arguments give the same reading. */
export function simulatedReading(host: string, seed: number, atMs: number, memoryPercent: number): GpuReading {
  const id = digestOf(`${host} ${seed}`);
  const noise = parseInt(digestOf(`${id} ${Math.floor(atMs / 1000)}`).slice(0, 8), 16) / 2 ** 32;
  const phase = parseInt(id.slice(0, 8), 16) / 2 ** 32;
  const share = memoryPercent / 100 + MEMORY_SWING * (2 * wave(atMs, MEMORY_WAVE_MS, phase) - 1) + 0.01 * noise;
  const used = Math.round(TOTAL_MIB * Math.min(1, Math.max(0, share)));
  const compute = Math.round(30 + 60 * wave(atMs, COMPUTE_WAVE_MS, phase) + 8 * noise);
  return {
    host,
    uuid: `GPU-${id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}`,
    index: 0,
    name: 'NVIDIA GeForce RTX 3080',
    vendor: 'NVIDIA',
    memory_used_bytes: used * MIB,
    memory_total_bytes: TOTAL_MIB * MIB,
    memory_free_bytes: (TOTAL_MIB - used) * MIB,
    compute_utilization_percent: compute,
    temperature_celsius: Math.round(45 + 0.3 * compute),
    power_watts: Math.round(80 + 2.2 * compute),
    driver_version: 'simulated',
  };
}

/** 0 to 1 and back, smoothly. */
function wave(atMs: number, periodMs: number, phase: number): number {
  return 0.5 + 0.5 * Math.sin(2 * Math.PI * (atMs / periodMs + phase));
}

/** 32 hexadecimal digits that depend on every character (FNV-1a, four lanes). */
function digestOf(text: string): string {
  const lanes = [0x811c9dc5, 0x01000193, 0x9e3779b9, 0x85ebca6b];
  for (let at = 0; at < text.length; at += 1) {
    for (let lane = 0; lane < lanes.length; lane += 1) {
      lanes[lane] = Math.imul(lanes[lane]! ^ (text.charCodeAt(at) + lane), 0x01000193);
      lanes[lane]! ^= lanes[lane]! >>> 15;
    }
  }
  return lanes.map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
}
