import fc from 'fast-check';
import { CANCEL_PHASES, ERROR_TYPES, EventSource, type Decoded, type EventData, type InferometerEvent } from '#libs/contracts';
import type { LabelLimits } from '../../apps/aggregator/core/series.js';

export const LIMITS: LabelLimits = { models: [], maxModels: 200, maxTenants: 200 };
export const START_MS = Date.parse('2026-01-01T00:00:00Z');

/** One request as its gateway sees it; `end` undefined: it never ends. */
export interface PlannedRequest {
  readonly id: string;
  readonly model: string;
  readonly tenant: string | undefined;
  readonly stream: boolean;
  readonly started: boolean;
  readonly end: 'completed' | 'failed' | 'cancelled' | undefined;
  readonly durationMs: number;
  readonly outputTokens: number | undefined;
  readonly pick: number;
}

/** A streamed request of model `m` that was sent to the upstream and goes on, but for what `overrides` say. */
export function onePlanned(overrides: Partial<PlannedRequest> = {}): PlannedRequest {
  const usual = { model: 'm', tenant: undefined, stream: true, started: true, end: undefined } as const;
  return { id: 'req-1', ...usual, durationMs: 1000, outputTokens: 10, pick: 5, ...overrides };
}

/** A record of an input partition, decoded. */
export interface TestRecord {
  readonly offset: bigint;
  readonly timestampMs: number;
  readonly decoded: Decoded<InferometerEvent>;
}

export const plannedRequests: fc.Arbitrary<readonly PlannedRequest[]> = fc
  .array(
    fc.record({
      model: fc.constantFrom('a', 'b', '', '__proto__', '模型'),
      tenant: fc.constantFrom(undefined, 'blue', 'red'),
      stream: fc.boolean(),
      started: fc.boolean(),
      end: fc.constantFrom('completed', 'failed', 'cancelled', undefined),
      durationMs: fc.double({ min: 0, max: 1e5, noNaN: true }).map((ms) => Math.round(ms * 1000) / 1000),
      outputTokens: fc.option(fc.nat(5000), { nil: undefined }),
      pick: fc.nat(1000),
    }),
    { maxLength: 25 },
  )
  .map((requests) => requests.map((request, index) => ({ ...request, id: `req-${index}` })));

/** The events of one request in order, stamped by `source` for `partition`. */
export function eventsOf(request: PlannedRequest, source: EventSource, partition: number, atMs: number): readonly InferometerEvent[] {
  const { id, model, tenant, stream, durationMs, pick } = request;
  const identity = { request_id: id, operation: 'chat', model, stream, ...(tenant !== undefined && { tenant }) };
  const events: InferometerEvent[] = [
    source.stamp('io.inferometer.request.received.v1', partition, id, { ...identity, max_tokens: pick, n: 1 }, atMs),
  ];
  const started = request.started || request.end === 'completed';
  if (started)
    events.push(source.stamp('io.inferometer.request.started.v1', partition, id, { ...identity, queue_ms: 1, upstream: '0' }, atMs));
  const outcome = {
    ...identity,
    ...(started && { queue_ms: 1 }),
    ...(started && stream && { ttft_ms: durationMs / 4, decode_ms: durationMs / 2, gaps: [pick] }),
    duration_ms: durationMs,
    ...(request.outputTokens !== undefined && { input_tokens: pick, output_tokens: request.outputTokens }),
    usage_source: request.outputTokens === undefined ? ('unknown' as const) : ('upstream' as const),
    chunks: pick,
  };
  const endMs = atMs + Math.floor(durationMs);
  if (request.end === 'completed') {
    const data = { ...outcome, status_code: 200, finish_reason: 'stop', queue_ms: 1 };
    events.push(source.stamp('io.inferometer.request.completed.v1', partition, id, data, endMs));
  }
  if (request.end === 'failed') {
    const data = { ...outcome, error_type: ERROR_TYPES[pick % ERROR_TYPES.length]! };
    events.push(source.stamp('io.inferometer.request.failed.v1', partition, id, data, endMs));
  }
  if (request.end === 'cancelled') {
    const data = { ...outcome, phase: started ? CANCEL_PHASES[1 + (pick % 2)]! : CANCEL_PHASES[0] };
    events.push(source.stamp('io.inferometer.request.cancelled.v1', partition, id, data, endMs));
  }
  return events;
}

/** A gateway's heartbeat for one partition. */
export function heartbeat(source: EventSource, partition: number, atMs: number, running = 0): InferometerEvent {
  const gauges = { waiting: 0, running, peak_running: running, max_concurrent: 4, max_queue: 8, received_total: 0, spooled: 0, dropped: 0 };
  return source.stamp('io.inferometer.gateway.heartbeat.v1', partition, source.source, { ...gauges, version: 'test' }, atMs);
}

/** The events of all requests, the requests' events interleaved by rounds as concurrent requests do, then numbered in that order. */
export function interleaved(requests: readonly PlannedRequest[], source: EventSource, partition = 0): readonly InferometerEvent[] {
  const drafts = requests.map((request, index) =>
    eventsOf(request, new EventSource('/gateways/draft', 'draft'), 0, START_MS + index * 700),
  );
  const rounds = [0, 1, 2].flatMap((round) => drafts.flatMap((events) => events[round] ?? []));
  return rounds.map((event) => stampedBy(source, event, partition));
}

/** The same event as another producer's next one. */
export function stampedBy(source: EventSource, { type, subject, data, time }: InferometerEvent, partition = 0): InferometerEvent {
  return source.stamp(type, partition, subject, data, Date.parse(time)) as InferometerEvent;
}

/** The terminal event of a request that `source` told of before. */
export function endOf(id: string, source: EventSource): InferometerEvent {
  const events = eventsOf(onePlanned({ id, end: 'completed' }), new EventSource('/gateways/draft', 'draft'), 0, START_MS);
  return stampedBy(source, events.at(-1)!);
}

/** Puts events into a partition one after another, 100 ms apart. */
export function recordsOf(events: readonly InferometerEvent[], firstOffset = 0n, startMs = START_MS): readonly TestRecord[] {
  return events.map((event, index) => ({
    offset: firstOffset + BigInt(index),
    timestampMs: startMs + (Number(firstOffset) + index) * 100,
    decoded: { ok: true, value: event },
  }));
}

/** How a streamed chat ended, with all that may be known of it. */
export const STREAMED_CHAT: EventData<'io.inferometer.request.completed.v1'> = {
  request_id: 'r',
  operation: 'chat',
  model: 'm',
  stream: true,
  status_code: 200,
  finish_reason: 'stop',
  queue_ms: 100,
  ttft_ms: 400,
  duration_ms: 2_500,
  decode_ms: 2_000,
  input_tokens: 7,
  output_tokens: 11,
  usage_source: 'upstream',
  chunks: 4,
  gaps: [1, 0, 2],
};
