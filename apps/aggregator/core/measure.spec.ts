import { describe, expect, it } from 'vitest';
import { ERROR_TYPES, EventSource, type EventData } from '#libs/contracts';
import { START_MS, STREAMED_CHAT } from '../../../test/support/traffic.js';
import { finishedReasonOf, measure, reachedUpstream, type TerminalEvent } from './measure.js';

const source = new EventSource('/gateways/gw', 'boot');
const { gaps: _gaps, ...CHAT } = STREAMED_CHAT;
const STREAM: EventData<'io.inferometer.request.completed.v1'> = { ...CHAT, chunks: 11 };

const completed = (data: Partial<typeof STREAM>, without: readonly (keyof typeof STREAM)[] = []): TerminalEvent =>
  source.stamp('io.inferometer.request.completed.v1', 0, 'r', stripped({ ...STREAM, ...data }, without), START_MS);

/** `finish_reason` and `status_code` do no harm in the others. */
const failed = (
  data: Partial<EventData<'io.inferometer.request.failed.v1'>>,
  without: readonly (keyof typeof STREAM)[] = [],
): TerminalEvent =>
  source.stamp('io.inferometer.request.failed.v1', 0, 'r', stripped({ ...STREAM, error_type: 'internal', ...data }, without), START_MS);

const cancelled = (phase: EventData<'io.inferometer.request.cancelled.v1'>['phase']): TerminalEvent =>
  source.stamp('io.inferometer.request.cancelled.v1', 0, 'r', { ...STREAM, phase }, START_MS);

function stripped<T extends object>(data: T, without: readonly (keyof T)[]): T {
  return Object.fromEntries(Object.entries(data).filter(([name]) => !without.includes(name as keyof T))) as T;
}

describe('a streamed request', () => {
  it('has a TTFT, a latency and a decode rate: the tokens after the first, and the time that they took', () => {
    expect(measure(completed({}))).toMatchObject({
      ttftSeconds: 0.4,
      latencySeconds: 2.5,
      decode: { tokens: 10, microseconds: 2_000_000 },
      unstreamedRate: undefined,
      unknownUsage: false,
    });
  });

  it.each([
    ['fewer than two tokens', { output_tokens: 1, chunks: 1 }],
    ['all tokens in one chunk', { chunks: 1 }],
    ['less than a millisecond between two chunks', { decode_ms: 9.9 }],
    ['less than a millisecond a gap', { decode_ms: 4, gaps: [3, 2] }],
    ['no gaps', { gaps: [] }],
  ])('has no decode rate with %s', (_what, data) => {
    expect(measure(completed(data)).decode).toBeUndefined();
  });

  it('has one from a millisecond a pair of chunks on, however many tokens a chunk holds', () => {
    expect(measure(completed({ decode_ms: 10 })).decode).toEqual({ tokens: 10, microseconds: 10_000 });
    expect(measure(completed({ output_tokens: 1_000, decode_ms: 5, gaps: [5] })).decode).toEqual({ tokens: 999, microseconds: 5_000 });
  });

  it('that failed has no latency, but all that was seen of it', () => {
    expect(measure(failed({}))).toMatchObject({ latencySeconds: undefined, ttftSeconds: 0.4, outputTokens: 11, decode: { tokens: 10 } });
    expect(measure(cancelled('streaming'))).toMatchObject({ latencySeconds: undefined, ttftSeconds: 0.4 });
  });
});

describe('a request that is not streamed', () => {
  it('has no TTFT and no decode rate, but a rate of its own kind: all tokens, and the time behind the queue', () => {
    expect(measure(completed({ stream: false, queue_ms: 300 }))).toMatchObject({
      ttftSeconds: undefined,
      decode: undefined,
      unstreamedRate: 5,
    });
    expect(measure(completed({ stream: false, queue_ms: 2_500 })).unstreamedRate).toBeUndefined();
    expect(measure(completed({ stream: false, queue_ms: 0, duration_ms: 5e-324 })).unstreamedRate).toBeUndefined();
  });
});

describe('usage', () => {
  it('is unknown where an upstream answered without it, and only there', () => {
    const none = ['output_tokens', 'input_tokens'] as const;
    expect(measure(completed({}, none))).toMatchObject({ outputTokens: undefined, unknownUsage: true });
    expect(measure(failed({}, none)).unknownUsage).toBe(true);
    expect(measure(failed({}, [...none, 'ttft_ms'])).unknownUsage).toBe(false);
  });
});

describe('what vLLM would have seen', () => {
  it('is not what was rejected at the gateway, or hung up in its queue', () => {
    expect([completed({}), failed({}), cancelled('before_first_token'), cancelled('streaming')].map(reachedUpstream)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(reachedUpstream(cancelled('queued'))).toBe(false);
    expect(reachedUpstream(failed({ error_type: 'invalid_request' }, ['queue_ms']))).toBe(false);
    expect(ERROR_TYPES.filter((type) => !reachedUpstream(failed({ error_type: type })))).toEqual(['queue_full', 'queue_timeout']);
  });

  it('ends for a reason that vLLM knows', () => {
    const reasons = ['stop', 'length', 'repetition', 'tool_calls', 'content_filter', 'unknown'];
    expect(reasons.map((reason) => finishedReasonOf(completed({ finish_reason: reason })))).toEqual([
      'stop',
      'length',
      'repetition',
      'stop',
      'stop',
      'stop',
    ]);
    expect([finishedReasonOf(failed({})), finishedReasonOf(cancelled('queued'))]).toEqual(['error', 'abort']);
  });
});
