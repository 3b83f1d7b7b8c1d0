import type { EventOf, RequestCancelled, RequestCompleted, RequestFailed, RequestStarted } from '#libs/contracts';

export type TerminalEvent =
  | EventOf<'io.inferometer.request.completed.v1'>
  | EventOf<'io.inferometer.request.failed.v1'>
  | EventOf<'io.inferometer.request.cancelled.v1'>;
type Outcome = RequestCompleted | RequestFailed | RequestCancelled;

/** The span that a pause between two token chunks must average for a decode rate to mean anything. */
const MIN_MS_PER_CHUNK_PAIR = 1;
const MICROSECONDS_PER_MS = 1000;

/** What one ended request adds to the figures; what is not known of it is undefined. */
export interface Measured {
  readonly ttftSeconds: number | undefined;
  /** Head received to last byte; of successful requests only. */
  readonly latencySeconds: number | undefined;
  /** Tokens after the first and the whole microseconds that they took; of streamed requests. */
  readonly decode: { readonly tokens: number; readonly microseconds: number } | undefined;
  /** Tokens per second of a request that was not streamed: a series of its own. */
  readonly unstreamedRate: number | undefined;
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
  readonly cachedTokens: number | undefined;
  readonly reasoningTokens: number | undefined;
  /** The upstream answered and said nothing of its tokens. */
  readonly unknownUsage: boolean;
}

/** Definitions: contracts, section 1. */
export function measure(event: TerminalEvent): Measured {
  const data: Outcome = event.data;
  const completed = event.type === 'io.inferometer.request.completed.v1';
  return {
    ttftSeconds: data.stream ? seconds(data.ttft_ms) : undefined,
    latencySeconds: completed ? seconds(data.duration_ms) : undefined,
    decode: decodeOf(data),
    unstreamedRate: unstreamedRateOf(data),
    inputTokens: data.input_tokens,
    outputTokens: data.output_tokens,
    cachedTokens: data.cached_input_tokens,
    reasoningTokens: data.reasoning_tokens,
    unknownUsage: data.output_tokens === undefined && (completed || data.ttft_ms !== undefined),
  };
}

export function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}

function decodeOf(data: Outcome): Measured['decode'] {
  const { stream, decode_ms: decodeMs, output_tokens: tokens } = data;
  if (!stream || decodeMs === undefined || tokens === undefined || tokens < 2) return undefined;
  const pairs = data.gaps ? data.gaps.reduce((sum, gap) => sum + gap, 0) : (data.chunks ?? tokens) - 1;
  if (pairs < 1 || decodeMs < pairs * MIN_MS_PER_CHUNK_PAIR) return undefined;
  return { tokens: tokens - 1, microseconds: Math.round(decodeMs * MICROSECONDS_PER_MS) };
}

function unstreamedRateOf(data: Outcome): number | undefined {
  const { stream, duration_ms: durationMs, queue_ms: queueMs = 0, output_tokens: tokens } = data;
  if (stream || durationMs === undefined || tokens === undefined || durationMs <= queueMs) return undefined;
  const rate = (tokens * 1000) / (durationMs - queueMs);
  return rate < Infinity ? rate : undefined; // In no time at all.
}

/**
 * True if the request reached the upstream: it left the queue, and did not end in it. Read from the terminal event alone, so that it
 * does not matter whether `started` was seen.
 */
export function reachedUpstream(event: TerminalEvent): boolean {
  switch (event.type) {
    case 'io.inferometer.request.cancelled.v1':
      return event.data.phase !== 'queued';
    case 'io.inferometer.request.failed.v1': {
      const { queue_ms: queueMs, error_type: type } = event.data;
      return queueMs !== undefined && type !== 'queue_full' && type !== 'queue_timeout';
    }
    default:
      return true;
  }
}

/** vLLM's `finished_reason` of a request: tool calls and content filters count as `stop`, hang-ups as `abort`, failures as `error`. */
export function finishedReasonOf(event: TerminalEvent): FinishedReason {
  if (event.type === 'io.inferometer.request.cancelled.v1') return 'abort';
  if (event.type === 'io.inferometer.request.failed.v1') return 'error';
  return FINISHED_REASONS.find((reason) => reason === event.data.finish_reason) ?? 'stop';
}

export const FINISHED_REASONS = ['stop', 'length', 'abort', 'error', 'repetition'] as const;
export type FinishedReason = (typeof FINISHED_REASONS)[number];

/** More upstreams than this behind one gateway are told as if they were the last. */
const MAX_ENGINE = 63;

/** The index of the upstream in its gateway's list, as vLLM's `engine`; 0 where the event does not say it. */
export function engineOf({ upstream_index: index = 0 }: Pick<RequestStarted, 'upstream_index'>): number {
  return Math.min(index, MAX_ENGINE);
}
