import { CANCEL_PHASES, EventSource, type EventData, type InferometerEvent } from '#libs/contracts';
import { render } from '#libs/exposition';
import { liveView, RollupWriter } from '../../../test/support/rollups.js';
import { heartbeat, recordsOf, START_MS, STREAMED_CHAT } from '../../../test/support/traffic.js';
import type { FleetView } from '../core/fleet-view.js';
import { FleetAnswers } from './fleet-answers.js';
import { FleetTelling, type TellingOptions } from './fleet-telling.js';
import { prometheusFamilies } from './prometheus-families.js';

type Completed = EventData<'io.inferometer.request.completed.v1'>;
type Reading = EventData<'io.inferometer.gpu.read.v1'>;

const gateway = new EventSource('/gateways/gw', 'boot');
let ids = 0;

/** One request from its receipt to its end. */
export function completed(data: Partial<Completed> = {}, upstreamIndex = 0, maxTokens?: number): readonly InferometerEvent[] {
  ids += 1;
  const all = { ...STREAMED_CHAT, ...data, request_id: `r-${ids}` };
  const identity = { request_id: all.request_id, operation: all.operation, model: all.model, stream: all.stream };
  return [
    received({ ...identity, ...(maxTokens !== undefined && { max_tokens: maxTokens }), n: 2 }),
    gateway.stamp(
      'io.inferometer.request.started.v1',
      0,
      'r',
      { ...identity, queue_ms: 1, upstream: 'u', upstream_index: upstreamIndex },
      START_MS,
    ),
    gateway.stamp('io.inferometer.request.completed.v1', 0, 'r', all, START_MS),
  ];
}

function received(data: EventData<'io.inferometer.request.received.v1'>): InferometerEvent {
  return gateway.stamp('io.inferometer.request.received.v1', 0, 'r', data, START_MS);
}

/** One that was refused, or failed at the upstream. */
export function failed(error_type: 'queue_full' | 'upstream_error', durationMs: number): readonly InferometerEvent[] {
  ids += 1;
  const identity = { request_id: `r-${ids}`, operation: 'chat', model: 'm', stream: true };
  const queued = error_type === 'queue_full' ? {} : { queue_ms: 1 };
  const data = { ...identity, ...queued, duration_ms: durationMs, usage_source: 'unknown' as const, error_type };
  return [received(identity), gateway.stamp('io.inferometer.request.failed.v1', 0, 'r', data, START_MS)];
}

/** One whose client hung up before the first token. */
export function cancelled(): readonly InferometerEvent[] {
  ids += 1;
  const identity = { request_id: `r-${ids}`, operation: 'chat', model: 'm', stream: true };
  const data = { ...identity, queue_ms: 1, duration_ms: 9, usage_source: 'unknown' as const, phase: CANCEL_PHASES[1] };
  return [received(identity), gateway.stamp('io.inferometer.request.cancelled.v1', 0, 'r', data, START_MS)];
}

/** A GPU whose driver tells little. */
export const GPU: Reading = {
  host: 'h',
  uuid: 'GPU-1',
  index: 0,
  name: 'H100',
  vendor: 'NVIDIA',
  memory_used_bytes: 2 ** 31,
  memory_total_bytes: 2 ** 33,
  memory_free_bytes: 2 ** 33 - 2 ** 31,
  power_watts: 300,
};

/** What happened in a fleet, and how long ago. */
export interface Fleet {
  readonly events?: readonly InferometerEvent[];
  readonly gpus?: readonly Reading[];
  readonly laterMs?: number;
}

/** A fleet in which these events happened, and nothing since but heartbeats. */
export function telling(
  { events = [], gpus = [], laterMs = 0 }: Fleet,
  options: Partial<TellingOptions> = {},
  say?: (line: string) => void,
): FleetTelling {
  const view = liveView();
  const requests = new RollupWriter();
  writers.set(view, requests);
  requests.fold(recordsOf(events));
  const startMs = START_MS + laterMs;
  requests.fold(recordsOf([heartbeat(gateway, 0, startMs, 1)], requests.state.next, startMs));
  requests.put(view, requests.delta());
  const probe = new EventSource('/probes/p', 'boot');
  const readings = new RollupWriter({ input: 'gpus' });
  readings.fold(recordsOf(gpus.map((reading) => probe.stamp('io.inferometer.gpu.read.v1', 0, reading.uuid, reading, START_MS))));
  readings.put(view, readings.delta());
  return new FleetTelling(new FleetAnswers(view, 'en'), { vllm: true, models: [], ...options }, say);
}

const writers = new WeakMap<FleetView, RollupWriter>();

/** Nothing but a heartbeat happens, so much later. */
export function passTime({ answers: { view } }: FleetTelling, ms: number): void {
  const requests = writers.get(view)!;
  const atMs = requests.state.logTimeMs + ms;
  requests.fold(recordsOf([heartbeat(gateway, 0, atMs, 1)], requests.state.next, atMs));
  requests.put(view, requests.delta());
}

/** The text of a scrape. */
export async function textOf(from: FleetTelling, format: 'text' | 'openmetrics' = 'text'): Promise<string> {
  return String(await render(prometheusFamilies(from.sets, (await from.now()).told), format));
}

/** Its lines in the text format. */
export async function linesOf(fleet: Fleet, options?: Partial<TellingOptions>): Promise<readonly string[]> {
  return (await textOf(telling(fleet, options))).split('\n');
}

/** A bit of everything. */
export const MIXED: Fleet = {
  events: [
    ...completed({}, 0, 64),
    ...completed({ stream: false }),
    ...failed('queue_full', 5),
    ...failed('upstream_error', 50),
    ...cancelled(),
  ],
  gpus: [GPU],
};
