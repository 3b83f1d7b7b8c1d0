import type { CancelPhase, ErrorType, EventData, RequestReceived, RequestStarted } from '#libs/contracts';
import type { Observation } from './observation.js';

/** The events of a request's life, by their short names. */
export type LifecycleEventType =
  | 'io.inferometer.request.received.v1'
  | 'io.inferometer.request.started.v1'
  | 'io.inferometer.request.first_token.v1'
  | 'io.inferometer.request.completed.v1'
  | 'io.inferometer.request.failed.v1'
  | 'io.inferometer.request.cancelled.v1';

/** Takes the events of one request in order. Must not throw. */
export type LifecycleSink = <T extends LifecycleEventType>(type: T, data: EventData<T>) => void;

type Identity = Pick<RequestReceived, 'request_id' | 'operation' | 'model' | 'stream' | 'tenant'>;
type Failed = EventData<'io.inferometer.request.failed.v1'>;
type Ended = Omit<Failed, 'error_type'> & Required<Pick<Failed, 'status_code' | 'duration_ms' | 'chunks'>>;
type UnsourcedEnd = Omit<Ended, 'usage_source'>;

const CLIENT_CLOSED_REQUEST = 499;
const MAX_DURATION_MS = 1e9;

/**
 * One request from its receipt to its end. Whatever is called, and in whatever order, `received` comes first and exactly one terminal
 * event comes last; every call after the end does nothing. Times are those of one monotonic clock, in ms.
 */
export class RequestLifecycle {
  private readonly identity: Identity;
  private admittedAtMs: number | undefined;
  private hasWaited = false;
  private hasEnded = false;
  private hasToken = false;

  /** `arrivedAtMs` is when the request's head came, `nowMs` when its body was read. */
  constructor(
    received: RequestReceived,
    private readonly arrivedAtMs: number,
    private readonly queuedAtMs: number,
    private readonly emit: LifecycleSink,
  ) {
    const { request_id, operation, model, stream, tenant } = received;
    this.identity = { request_id, operation, model, stream };
    if (tenant !== undefined) this.identity.tenant = tenant;
    emit('io.inferometer.request.received.v1', received);
  }

  get ended(): boolean {
    return this.hasEnded;
  }

  /** How long the request has waited for its place; undefined until it has one. */
  get queueMs(): number | undefined {
    return this.admittedAtMs === undefined ? undefined : span(this.queuedAtMs, this.admittedAtMs);
  }

  /** The request waits in the queue. What never did, and was not admitted either, has no queue time. */
  enqueue(): void {
    this.hasWaited = true;
  }

  /** The request was admitted and goes to `upstream`; `index` tells it from others behind this gateway. */
  start(upstream: string, nowMs: number, index?: number): void {
    if (this.hasEnded || this.admittedAtMs !== undefined) return;
    this.admittedAtMs = nowMs;
    const started: RequestStarted = { ...this.identity, queue_ms: span(this.queuedAtMs, nowMs), upstream };
    if (index !== undefined) started.upstream_index = index;
    this.emit('io.inferometer.request.started.v1', started);
  }

  /** Tells of the first token once it has been seen; only streams have one. */
  noteProgress({ firstTokenAtMs }: Observation): void {
    if (this.hasToken || firstTokenAtMs === undefined || this.hasEnded || !this.identity.stream) return;
    this.hasToken = true;
    this.emit('io.inferometer.request.first_token.v1', { ...this.identity, ttft_ms: span(this.arrivedAtMs, firstTokenAtMs) });
  }

  complete(statusCode: number, seen: Observation, nowMs: number): void {
    if (!this.finish()) return;
    this.emit('io.inferometer.request.completed.v1', {
      ...this.endOf(statusCode, seen, nowMs),
      finish_reason: seen.finishReason ?? 'unknown',
      queue_ms: span(this.queuedAtMs, this.admittedAtMs ?? this.queuedAtMs),
    });
  }

  /** `statusCode` is what the client was told. */
  fail(errorType: ErrorType, statusCode: number, seen: Observation, nowMs: number): void {
    if (!this.finish()) return;
    this.emit('io.inferometer.request.failed.v1', { ...this.endOf(statusCode, seen, nowMs), error_type: errorType });
  }

  /** The client hung up first. */
  cancel(seen: Observation, nowMs: number): void {
    if (!this.finish()) return;
    this.emit('io.inferometer.request.cancelled.v1', {
      ...this.endOf(CLIENT_CLOSED_REQUEST, seen, nowMs),
      phase: this.phaseOf(seen),
    });
  }

  private finish(): boolean {
    if (this.hasEnded) return false;
    this.hasEnded = true;
    return true;
  }

  private phaseOf(seen: Observation): CancelPhase {
    if (this.admittedAtMs === undefined) return 'queued';
    return seen.tokenChunks > 0 ? 'streaming' : 'before_first_token';
  }

  /** What is known at the end. Built by assignment: spreads of parts that may be missing cost as much as writing the event. */
  private endOf(statusCode: number, seen: Observation, nowMs: number): Ended {
    const { identity, arrivedAtMs, queuedAtMs, admittedAtMs } = this;
    const { firstTokenAtMs, lastTokenAtMs, finishReason, gaps, engine } = seen;
    const data: UnsourcedEnd = {
      ...identity,
      status_code: statusCode,
      duration_ms: span(arrivedAtMs, nowMs),
      chunks: seen.tokenChunks,
    };
    if (this.hasWaited || admittedAtMs !== undefined) data.queue_ms = span(queuedAtMs, admittedAtMs ?? nowMs);
    if (finishReason !== undefined) data.finish_reason = finishReason;
    if (identity.stream && firstTokenAtMs !== undefined && lastTokenAtMs !== undefined) {
      data.ttft_ms = span(arrivedAtMs, firstTokenAtMs);
      data.decode_ms = span(firstTokenAtMs, lastTokenAtMs);
    }
    if (gaps.length > 0) data.gaps = gaps;
    if (engine) data.engine = engine;
    return withUsage(data, seen);
  }
}

/** Adds token counts and where the output's comes from: the upstream, else the chunks that were seen, which is a lower bound. */
function withUsage(end: UnsourcedEnd, { usage, tokenChunks }: Observation): Ended {
  const counted = usage?.outputTokens === undefined && tokenChunks > 0;
  const outputTokens = counted ? tokenChunks : usage?.outputTokens;
  const data = end as Ended;
  data.usage_source = counted ? 'counted' : usage ? 'upstream' : 'unknown';
  if (usage?.inputTokens !== undefined) data.input_tokens = usage.inputTokens;
  if (outputTokens !== undefined) data.output_tokens = outputTokens;
  if (usage?.cachedInputTokens !== undefined) data.cached_input_tokens = usage.cachedInputTokens;
  if (usage?.reasoningTokens !== undefined) data.reasoning_tokens = usage.reasoningTokens;
  return data;
}

/** The time between two points in ms, to the microsecond, within what an event may hold. */
function span(fromMs: number, toMs: number): number {
  return Math.min(Math.max(Math.round((toMs - fromMs) * 1000) / 1000, 0), MAX_DURATION_MS);
}
