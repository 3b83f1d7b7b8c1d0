import { describe, expect, it } from 'vitest';
import { readJsonAnswer } from './json-answer.js';
import { Observation } from './observation.js';
import { CHAT, EMBEDDINGS, MESSAGES, RESPONSES, type Operation } from './operations.js';

function read(operation: Operation, answer: unknown): Partial<Observation> {
  const seen = new Observation();
  readJsonAnswer(typeof answer === 'string' ? answer : JSON.stringify(answer), operation, seen);
  return seen;
}

describe('readJsonAnswer', () => {
  it('reads a chat', () => {
    const usage = {
      prompt_tokens: 18,
      completion_tokens: 12,
      prompt_tokens_details: { cached_tokens: 4 },
      completion_tokens_details: null,
    };
    expect(
      read(CHAT, { choices: [{ index: 0, finish_reason: 'length' }], usage, timings: { prompt_ms: 2, predicted_ms: 3 } }),
    ).toMatchObject({
      finishReason: 'length',
      usage: { inputTokens: 18, outputTokens: 12, cachedInputTokens: 4 },
      engine: { prefill_ms: 2, decode_ms: 3 },
    });
  });

  it("reads vLLM's metrics of the request", () => {
    const metrics = { time_to_first_token_ms: 8, generation_time_ms: 12, queue_time_ms: 0 };
    expect(read(CHAT, { choices: [], metrics }).engine).toEqual({ queue_ms: 0, ttft_ms: 8, decode_ms: 12 });
    expect(read(CHAT, { choices: [], metrics: null }).engine).toBeUndefined();
  });

  it('reads embeddings, which have input alone', () => {
    expect(read(EMBEDDINGS, { data: [], usage: { prompt_tokens: 5, total_tokens: 5 } }).usage).toEqual({ inputTokens: 5 });
  });

  it('reads messages', () => {
    const usage = { input_tokens: 2, cache_read_input_tokens: 3, cache_creation_input_tokens: 4, output_tokens: 5 };
    expect(read(MESSAGES, { stop_reason: 'tool_use', usage })).toMatchObject({
      finishReason: 'tool_calls',
      usage: { inputTokens: 9, outputTokens: 5, cachedInputTokens: 3 },
    });
  });

  it('reads responses', () => {
    const answer = {
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      usage: { input_tokens: 1, output_tokens: 2 },
    };
    expect(read(RESPONSES, answer)).toMatchObject({ finishReason: 'length', usage: { inputTokens: 1, outputTokens: 2 } });
  });

  it.each([
    null,
    {},
    { prompt_tokens: null, completion_tokens: null },
    { prompt_tokens: '5', completion_tokens: -1 },
    { prompt_tokens: 1.5, completion_tokens: 1e12 },
  ])('takes usage %j for unknown, never for 0', (usage) => {
    expect(read(CHAT, { choices: [], usage }).usage).toBeUndefined();
  });

  it.each(['', 'x', '[]', '{"choices":5}', '{"choices":[null]}'])('makes nothing of %s', (body) => {
    expect(read(CHAT, body)).toMatchObject({ usage: undefined, finishReason: undefined });
  });
});
