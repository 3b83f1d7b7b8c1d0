import { decodeEvent, encodeEvent, EventSource, type Decoded, type InferometerEvent } from '#libs/contracts';
import { PartitionState } from '../apps/aggregator/core/partition-state.js';
import type { BenchRow } from './bench-row.js';

const REQUESTS = 50_000;
const EVENTS_PER_REQUEST = 4;
const START_MS = Date.parse('2026-01-01T00:00:00Z');
const LIMITS = { models: [], maxModels: 2000, maxTenants: 200 };

/** Requests of four events each over `models` models, a thousand in flight at a time. */
function traffic(models: number): readonly InferometerEvent[] {
  const source = new EventSource('/gateways/bench', 'boot');
  const events: InferometerEvent[] = [];
  for (let index = 0; index < REQUESTS; index += 1) {
    const id = `req-${index.toString(16).padStart(32, '0')}`;
    const identity = { request_id: id, operation: 'chat', model: `model-${index % models}`, stream: true };
    const atMs = START_MS + index * 2;
    const ttft = 50 + (index % 997);
    events.push(
      source.stamp('io.inferometer.request.received.v1', 0, id, { ...identity, max_tokens: 256 }, atMs),
      source.stamp('io.inferometer.request.started.v1', 0, id, { ...identity, queue_ms: 0.3, upstream: '0' }, atMs),
      source.stamp('io.inferometer.request.first_token.v1', 0, id, { ...identity, ttft_ms: ttft }, atMs + ttft),
      source.stamp('io.inferometer.request.completed.v1', 0, id, completed(identity, index, ttft), atMs + 2 * ttft),
    );
  }
  return events;
}

function completed(identity: { request_id: string; operation: string; model: string; stream: boolean }, index: number, ttft: number) {
  return {
    ...identity,
    status_code: 200,
    finish_reason: 'stop',
    queue_ms: 0.3,
    ttft_ms: ttft,
    duration_ms: 3 * ttft,
    decode_ms: 2 * ttft,
    input_tokens: 100 + (index % 400),
    output_tokens: 50 + (index % 150),
    usage_source: 'upstream' as const,
    chunks: 51,
    gaps: [10, 30, 10],
  };
}

function eventsPerSecond(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (REQUESTS * EVENTS_PER_REQUEST * 1e6) / (user + system);
}

function fold(count: number, decodedAt: (index: number) => Decoded<InferometerEvent>): void {
  const state = new PartitionState(LIMITS);
  for (let index = 0; index < count; index += 1) {
    state.apply({ offset: BigInt(index), timestampMs: START_MS + index }, decodedAt(index));
  }
}

/** Events folded per second of CPU time: decoded already, and from bytes. The best of three runs. */
export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const models of [10, 1000]) {
    const events = traffic(models);
    const decoded = events.map((value) => ({ ok: true, value }) as const);
    const bytes = events.map(encodeEvent);
    const best = (work: () => void): number => Math.max(...[1, 2, 3].map(() => eventsPerSecond(work)));
    const fromDecoded = best(() => fold(decoded.length, (index) => decoded[index]!));
    const fromBytes = best(() => fold(bytes.length, (index) => decodeEvent(bytes[index]!)));
    rows.push(
      { name: `fold, decoded, ${models} series`, value: fromDecoded, unit: 'events/s', bar: '>= 300000', met: fromDecoded >= 300_000 },
      { name: `fold, from bytes, ${models} series`, value: fromBytes, unit: 'events/s', bar: '>= 120000', met: fromBytes >= 120_000 },
    );
  }
  return rows;
}
