import { describe, expect, it } from 'vitest';
import { frameReaderOf, type FrameKind } from './frame-readers.js';
import { Observation } from './observation.js';
import { CHAT, MESSAGES, RESPONSES, type Operation } from './operations.js';

function read(operation: Operation, ...frames: readonly (object | string)[]): { kinds: FrameKind[]; seen: Observation } {
  const seen = new Observation();
  const reader = frameReaderOf(operation);
  return { kinds: frames.map((frame) => reader(typeof frame === 'string' ? frame : JSON.stringify(frame), seen)), seen };
}

const finish = (index: number, finish_reason: string) => ({ choices: [{ index, delta: {}, finish_reason }] });
const choice = (rest: object) => ({ choices: [{ index: 0, ...rest }] });

describe('chat frames', () => {
  it.each([
    ['a role alone', choice({ delta: { role: 'assistant', content: '' } }), 'other'],
    ['no content yet (llama.cpp)', choice({ delta: { role: 'assistant', content: null } }), 'other'],
    ['an empty delta', choice({ delta: {}, finish_reason: 'stop' }), 'other'],
    ['content', choice({ delta: { content: ' ' } }), 'token'],
    ['reasoning', choice({ delta: { content: null, reasoning: 'x' } }), 'token'],
    ['reasoning content', choice({ delta: { reasoning_content: 'x' } }), 'token'],
    ['a refusal', choice({ delta: { refusal: 'no' } }), 'token'],
    ['a tool call', choice({ delta: { tool_calls: [{ index: 0, function: { arguments: '' } }] } }), 'token'],
    ['no tool call', choice({ delta: { content: '', tool_calls: [] } }), 'other'],
    ['a legacy function call', choice({ delta: { function_call: { name: 'f', arguments: '' } } }), 'token'],
    [
      'content with its log probabilities',
      choice({ delta: { content: 'x' }, logprobs: { content: [{ token: 'x', logprob: 0 }] } }),
      'token',
    ],
    ['log probabilities alone', choice({ delta: { content: '' }, logprobs: { content: [] } }), 'other'],
    ['text', choice({ text: 'x' }), 'token'],
    ['no text yet', choice({ text: '' }), 'other'],
    ['a second choice', { choices: [{ index: 1, delta: { content: 'x' } }] }, 'token'],
    ['one of two choices', { choices: [{ delta: {} }, { delta: { content: 'x' } }] }, 'token'],
    ['usage alone', { choices: [], usage: { prompt_tokens: 1 } }, 'usage'],
    ['a filter result without usage', { choices: [], usage: null, prompt_filter_results: [] }, 'other'],
    ['the end', '[DONE]', 'done'],
    ['an error', { error: { message: 'EngineCore encountered an issue.', code: 500 } }, 'error'],
    ['no error', { error: null, choices: [] }, 'other'],
    ['not JSON', '{"choices":[{"delta":{"content":"x"}', 'other'],
    ['not an object', '[1]', 'other'],
    ['choices that are none', { choices: 'x' }, 'other'],
    ['choices of nothing', { choices: [null, 1, { delta: 5 }] }, 'other'],
  ] as const)('%s', (_what, frame, kind) => {
    expect(read(CHAT, frame).kinds).toEqual([kind]);
  });

  it('keeps the newest usage, and what was known where a later one is nonsense', () => {
    const usages = [{ prompt_tokens: 3, completion_tokens: 1 }, { prompt_tokens: 3, completion_tokens: 2 }, { prompt_tokens: -1 }, null];
    const { seen } = read(CHAT, ...usages.map((usage) => ({ ...choice({ delta: { content: 'x' } }), usage })));
    expect(seen.usage).toEqual({ inputTokens: 3, outputTokens: 2 });
  });

  it.each([
    { prompt_tokens: '3', completion_tokens: '1' },
    { prompt_tokens: -3, completion_tokens: 1.5 },
    { prompt_tokens: null, completion_tokens: 1e30 },
    {},
    [3, 1],
    '3',
  ])('takes usage %j for unknown, never for 0', (usage) => {
    expect(read(CHAT, { choices: [], usage }).seen.usage).toBeUndefined();
    expect(read(MESSAGES, { type: 'message_delta', usage }, { type: 'message_start', message: { usage } }).seen.usage).toBeUndefined();
    expect(read(RESPONSES, { type: 'response.completed', response: { usage } }).seen.usage).toBeUndefined();
  });

  it('takes the finish reason of the first choice', () => {
    expect(read(CHAT, finish(1, 'length'), finish(0, 'stop'), finish(2, 'tool_calls')).seen.finishReason).toBe('stop');
    expect(read(CHAT, finish(0, 'constructor')).seen.finishReason).toBe('constructor');
    expect(read(CHAT, finish(0, 'x'.repeat(100))).seen.finishReason).toHaveLength(64);
  });

  it("reads the engine's own timings", () => {
    expect(read(CHAT, { choices: [], timings: { prompt_ms: 43.5, predicted_ms: -1 } }).seen.engine).toEqual({ prefill_ms: 43.5 });
    const metrics = {
      time_to_first_token_ms: 85.2,
      generation_time_ms: 1240.5,
      queue_time_ms: 12.3,
      mean_itl_ms: 9.1,
      tokens_per_second: 103.2,
    };
    const known = { queue_ms: 12.3, ttft_ms: 85.2, decode_ms: 1240.5 };
    expect(read(CHAT, { choices: [], usage: { prompt_tokens: 1 }, metrics })).toMatchObject({ kinds: ['usage'], seen: { engine: known } });
    for (const nonsense of [null, {}, [], 'x', { queue_time_ms: '1' }, { queue_time_ms: -1, generation_time_ms: 1e12 }]) {
      expect(read(CHAT, { choices: [], metrics: nonsense, timings: nonsense }).seen.engine).toBeUndefined();
    }
  });
});

describe('messages frames', () => {
  const start = { type: 'message_start', message: { usage: { input_tokens: 10, output_tokens: 0 } } };
  const delta = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'x' } };

  it('reads a stream of vLLM, whose second usage splits the input', () => {
    const usage = { input_tokens: 2, output_tokens: 6, cache_read_input_tokens: 8, cache_creation_input_tokens: 0 };
    const end = { type: 'message_delta', delta: { stop_reason: 'max_tokens' }, usage };
    const { kinds, seen } = read(MESSAGES, start, delta, end, { type: 'message_stop' });
    expect(kinds).toEqual(['other', 'token', 'other', 'done']);
    expect(seen).toMatchObject({ finishReason: 'length', usage: { inputTokens: 10, outputTokens: 6, cachedInputTokens: 8 } });
  });

  it('reads a stream of llama.cpp, whose second usage has the output alone', () => {
    const first = { type: 'message_start', message: { usage: { cache_read_input_tokens: 20, input_tokens: 5, output_tokens: 0 } } };
    const { seen } = read(MESSAGES, first, { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 6 } });
    expect(seen).toMatchObject({ finishReason: 'stop', usage: { inputTokens: 25, outputTokens: 6, cachedInputTokens: 20 } });
  });

  it('knows no output before the end', () => {
    expect(read(MESSAGES, start, delta).seen.usage).toEqual({ inputTokens: 10 });
  });

  it('sees errors in either shape', () => {
    expect(read(MESSAGES, { type: 'error', error: { type: 'overloaded_error' } }, { error: { message: 'dead' } }).kinds).toEqual([
      'error',
      'error',
    ]);
    expect(read(MESSAGES, { type: 'ping' }, 'x').kinds).toEqual(['other', 'other']);
  });
});

describe('responses frames', () => {
  it('reads tokens, the end, and what the end tells', () => {
    const usage = {
      input_tokens: 4,
      output_tokens: 3,
      output_tokens_details: { reasoning_tokens: 1 },
      input_tokens_details: { cached_tokens: 2 },
    };
    const completed = { type: 'response.completed', response: { status: 'completed', incomplete_details: null, usage } };
    const { kinds, seen } = read(RESPONSES, { type: 'response.created' }, { type: 'response.output_text.delta', delta: 'x' }, completed);
    expect(kinds).toEqual(['other', 'token', 'done']);
    expect(seen).toMatchObject({
      finishReason: 'stop',
      usage: { inputTokens: 4, outputTokens: 3, cachedInputTokens: 2, reasoningTokens: 1 },
    });
  });

  it('takes a reached limit for an end and a failure for an error', () => {
    const incomplete = {
      type: 'response.incomplete',
      response: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
    };
    const { kinds, seen } = read(RESPONSES, incomplete);
    expect([kinds, seen.finishReason]).toEqual([['done'], 'length']);
    expect(read(RESPONSES, { type: 'response.failed' }, { type: 'error' }, { error: {} }, 'x').kinds).toEqual([
      'error',
      'error',
      'error',
      'other',
    ]);
  });
});
