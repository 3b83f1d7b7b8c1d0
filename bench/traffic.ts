import { randomUUID } from 'node:crypto';
import { EventSource, type InferometerEvent } from '#libs/contracts';
import { partitionOf } from '#libs/event-log';

export const EVENTS_PER_REQUEST = 4;
/** When the first request of traffic comes in that does not say. */
export const START_MS = Date.parse('2026-01-01T00:00:00Z');
const TENANTS = 20;

export interface TrafficOptions {
  readonly requests: number;
  /** Model × tenant. */
  readonly series: number;
  readonly partitions: number;
  readonly startMs?: number;
  /** By the events' own time; 2 where not given. */
  readonly msBetweenRequests?: number;
  /** Every client names its trace. */
  readonly traced?: boolean;
}

export interface Placed {
  readonly partition: number;
  readonly key: string;
  readonly event: InferometerEvent;
}

/** Requests of four events each over so many series, a thousand in flight at a time. */
export function traffic(options: TrafficOptions): readonly Placed[] {
  const { requests, series, partitions, startMs = START_MS, msBetweenRequests = 2, traced = false } = options;
  const source = new EventSource('/gateways/bench', randomUUID());
  const models = Math.max(1, series / TENANTS);
  const drafts: InferometerEvent[][] = [[], [], [], []];
  for (let index = 0; index < requests; index += 1) {
    const tenant = `tenant-${Math.floor(index / models) % Math.min(series, TENANTS)}`;
    const identity = { request_id: randomUUID(), operation: 'chat', model: `model-${index % models}`, tenant, stream: true };
    const ttft = 50 + (index % 997) + 0.125;
    const atMs = startMs + index * msBetweenRequests;
    for (const [order, draft] of draftsOf(identity, index, ttft, atMs).entries()) drafts[order]!.push(draft);
  }
  const placed: Placed[] = [];
  // A thousand requests are in flight: each has its events some hundred requests apart.
  for (let index = 0; index < requests + 1000; index += 1) {
    for (const [order, delay] of [0, 0, 300, 1000].entries()) {
      const draft = drafts[order]![index - delay];
      if (draft) placed.push(place(source, draft, partitions, traced));
    }
  }
  return placed;
}

function place(source: EventSource, draft: InferometerEvent, partitions: number, traced: boolean): Placed {
  const key = draft.subject;
  const partition = partitionOf(key, partitions);
  const trace = traced ? `00-${key.replaceAll('-', '')}-00f067aa0ba902b7-01` : undefined;
  const event = source.stamp(draft.type, partition, key, draft.data, Date.parse(draft.time), trace) as InferometerEvent;
  return { partition, key, event };
}

interface Identity {
  readonly request_id: string;
  readonly operation: string;
  readonly model: string;
  readonly tenant: string;
  readonly stream: boolean;
}

function draftsOf(identity: Identity, index: number, ttft: number, atMs: number): readonly InferometerEvent[] {
  const { request_id: id } = identity;
  const draft = new EventSource('/gateways/draft', 'draft');
  return [
    draft.stamp('io.inferometer.request.received.v1', 0, id, { ...identity, max_tokens: 256 }, atMs),
    draft.stamp('io.inferometer.request.started.v1', 0, id, { ...identity, queue_ms: 0.3, upstream: '0' }, atMs),
    draft.stamp('io.inferometer.request.first_token.v1', 0, id, { ...identity, ttft_ms: ttft }, atMs + 600),
    draft.stamp('io.inferometer.request.completed.v1', 0, id, completed(identity, index, ttft), atMs + 2000),
  ];
}

function completed(identity: Identity, index: number, ttft: number) {
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

/** How a streamed chat ended well; `spread` makes its figures differ from those of others. */
export function outcomeOf(spread: number) {
  return {
    status_code: 200,
    finish_reason: 'stop',
    queue_ms: 1,
    ttft_ms: 50 + spread,
    duration_ms: 1_000 + 3 * spread,
    decode_ms: 900 + 2 * spread,
    input_tokens: 100 + spread,
    output_tokens: 50 + spread,
    usage_source: 'upstream' as const,
    chunks: 50,
    gaps: [10, 30, 9],
  };
}
