import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEvent, encodeEvent, EventSource, type EventData, type InferometerEvent } from '#libs/contracts';
import { RequestLifecycle, type LifecycleEventType } from './lifecycle.js';
import { Observation } from './observation.js';

interface Emitted {
  readonly type: string;
  readonly data: EventData<LifecycleEventType>;
}

const received = { request_id: 'r1', operation: 'chat', model: 'm', stream: true, tenant: 't', max_tokens: 5 };

function begin(overrides: object = {}): { emitted: Emitted[]; life: RequestLifecycle } {
  const emitted: Emitted[] = [];
  const source = new EventSource('/gateways/g1', 'boot');
  const life = new RequestLifecycle({ ...received, ...overrides }, 1000, 1001, (type, data) => {
    const event = source.stamp(type, 0, data.request_id, data, 0) as InferometerEvent;
    expect(decodeEvent(encodeEvent(event))).toEqual({ ok: true, value: event });
    emitted.push({ type: type.split('.')[3]!, data });
  });
  return { emitted, life };
}

function seenTokens(...times: number[]): Observation {
  const seen = new Observation();
  for (const atMs of times) seen.noteToken(atMs);
  return seen;
}

describe('RequestLifecycle', () => {
  it('tells the whole life of a streamed request', () => {
    const { emitted, life } = begin();
    const seen = seenTokens(1020.0004, 1030, 1060);
    seen.usage = { inputTokens: 3, outputTokens: 9, reasoningTokens: 1 };
    seen.noteFinish('stop', 0);
    life.start('127.0.0.1:8001', 1011.5);
    life.noteProgress(seen);
    life.noteProgress(seen);
    life.complete(200, seen, 1070.12345);
    const identity = { request_id: 'r1', operation: 'chat', model: 'm', stream: true, tenant: 't' };
    expect(emitted).toEqual([
      { type: 'received', data: { ...identity, max_tokens: 5 } },
      { type: 'started', data: { ...identity, queue_ms: 10.5, upstream: '127.0.0.1:8001' } },
      { type: 'first_token', data: { ...identity, ttft_ms: 20 } },
      {
        type: 'completed',
        data: {
          ...identity,
          status_code: 200,
          finish_reason: 'stop',
          queue_ms: 10.5,
          ttft_ms: 20,
          duration_ms: 70.123,
          decode_ms: 40,
          input_tokens: 3,
          output_tokens: 9,
          reasoning_tokens: 1,
          usage_source: 'upstream',
          chunks: 3,
          gaps: [1, 0, 1],
        },
      },
    ]);
  });

  it('knows no time to first token where nothing was streamed', () => {
    const { emitted, life } = begin({ stream: false });
    const seen = seenTokens(1020);
    life.start('u', 1001);
    life.noteProgress(seen);
    life.complete(200, seen, 1030);
    expect(emitted.map(({ type }) => type)).toEqual(['received', 'started', 'completed']);
    expect(emitted[2]!.data).not.toHaveProperty('ttft_ms');
    expect(emitted[2]!.data).not.toHaveProperty('decode_ms');
  });

  it('counts chunks where the upstream tells no usage, and says so', () => {
    const { emitted, life } = begin();
    life.start('u', 1001);
    life.cancel(seenTokens(1020, 1021), 1030);
    expect(emitted.at(-1)!.data).toMatchObject({ output_tokens: 2, usage_source: 'counted', phase: 'streaming', status_code: 499 });
    expect(emitted.at(-1)!.data).not.toHaveProperty('input_tokens');
  });

  it('keeps known input beside counted output', () => {
    const { emitted, life } = begin();
    const seen = seenTokens(1020);
    seen.usage = { inputTokens: 8 };
    life.start('u', 1001);
    life.fail('stream_truncated', 200, seen, 1030);
    expect(emitted.at(-1)!.data).toMatchObject({ input_tokens: 8, output_tokens: 1, usage_source: 'counted' });
  });

  it('leaves unknown what is unknown', () => {
    const { emitted, life } = begin();
    life.fail('queue_full', 503, new Observation(), 1002);
    expect(emitted.at(-1)).toEqual({
      type: 'failed',
      data: {
        request_id: 'r1',
        operation: 'chat',
        model: 'm',
        stream: true,
        tenant: 't',
        status_code: 503,
        duration_ms: 2,
        chunks: 0,
        usage_source: 'unknown',
        error_type: 'queue_full',
      },
    });
  });

  it('says where the request was when its client hung up', () => {
    const phases = [
      (life: RequestLifecycle) => {
        life.enqueue();
        life.cancel(new Observation(), 1050);
      },
      (life: RequestLifecycle) => {
        life.start('u', 1002);
        life.cancel(new Observation(), 1050);
      },
    ].map((act) => {
      const { emitted, life } = begin();
      act(life);
      return emitted.at(-1)!.data;
    });
    expect(phases).toMatchObject([
      { phase: 'queued', queue_ms: 49 },
      { phase: 'before_first_token', queue_ms: 1 },
    ]);
  });

  it('ends exactly once, whatever is called in whatever order', () => {
    const calls = fc.array(fc.constantFrom('start', 'progress', 'complete', 'fail', 'cancel'), { maxLength: 12 });
    fc.assert(
      fc.property(calls, fc.boolean(), (names, stream) => {
        const { emitted, life } = begin({ stream });
        const seen = seenTokens(1005, 1006);
        for (const [at, name] of names.entries()) {
          if (name === 'start') life.start('u', 1002 + at);
          if (name === 'progress') life.noteProgress(seen);
          if (name === 'complete') life.complete(200, seen, 1010 + at);
          if (name === 'fail') life.fail('internal', 500, seen, 1010 + at);
          if (name === 'cancel') life.cancel(seen, 1010 + at);
        }
        const types = emitted.map(({ type }) => type);
        const hasEnd = names.some((name) => ['complete', 'fail', 'cancel'].includes(name));
        expect(types[0]).toBe('received');
        expect(['completed', 'failed', 'cancelled'].includes(types.at(-1)!)).toBe(hasEnd);
        expect(new Set(types).size).toBe(types.length);
      }),
    );
  });
});
