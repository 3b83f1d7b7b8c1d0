import { describe, expect, it } from 'vitest';
import { answerId, answerOf } from './answers.js';
import type { Fields } from './body.js';
import { FrameWriter } from './frames.js';
import { generationRequest, type Operation } from './generation-request.js';
import { outputTokensOf, planOf } from './plan.js';

function framesOf(fields: Fields, operation: Operation = 'chat') {
  const prompt = operation === 'chat' ? { messages: [{ role: 'user', content: 'hello' }] } : { prompt: 'once' };
  const checked = generationRequest(operation, { ...prompt, stream: true, ...fields }, ['m']);
  if (!checked.ok) throw new Error(JSON.stringify(checked.error));
  const plan = planOf(checked.value, 3, { ttftMs: 1, tokensPerSecond: 1, jitter: 0 });
  const writer = new FrameWriter(plan, answerId(operation, plan, undefined), checked.value);
  const steps = Array.from(plan.delaysMs, (_, step) => writer.framesOf(step));
  return { plan, request: checked.value, steps };
}

interface Chunk {
  readonly choices: readonly {
    readonly index: number;
    readonly delta?: { content: string; role?: string };
    readonly text?: string;
    readonly finish_reason: string | null;
  }[];
  readonly usage?: { readonly completion_tokens: number };
  readonly system_fingerprint?: string;
}

function chunksOf(steps: readonly string[][]): Chunk[] {
  const frames = steps.flat();
  expect(frames.pop()).toBe('data: [DONE]\n\n');
  return frames.map((frame) => JSON.parse(/^data: (.+)\n\n$/.exec(frame)![1]!) as Chunk);
}

describe('FrameWriter', () => {
  it('streams exactly the text of the plain answer', () => {
    const { plan, request, steps } = framesOf({ n: 3 });
    const texts = ['', '', ''];
    for (const { choices } of chunksOf(steps)) for (const { index, delta } of choices) texts[index] += delta!.content;
    const plain = answerOf(request.operation, plan, 'id', true) as { choices: { message: { content: string } }[] };
    expect(texts).toEqual(plain.choices.map(({ message }) => message.content));
  });

  it('opens every choice with a role and no text, then sends one token of each a step', () => {
    const { plan, steps } = framesOf({ n: 2, max_tokens: 4, ignore_eos: true });
    expect(steps.map((frames) => frames.length)).toEqual([4, 2, 2, 3]);
    const chunks = chunksOf(steps);
    const opening = { role: 'assistant', content: '' };
    expect(chunks.slice(0, 2).map(({ choices }) => choices[0]!.delta)).toEqual([opening, opening]);
    expect(chunks.map(({ choices }) => choices[0]!.finish_reason).filter(Boolean)).toEqual(['length', 'length']);
    expect(outputTokensOf(plan)).toBe(8);
  });

  it('opens a completion with an empty text', () => {
    const { steps } = framesOf({ max_tokens: 2, ignore_eos: true }, 'text_completion');
    expect(chunksOf(steps).map(({ choices }) => choices[0]!.text === '')).toEqual([true, false, false]);
  });

  it('has no usage and the fingerprint on the last choice chunk unless usage is asked for', () => {
    const chunks = chunksOf(framesOf({ n: 2 }).steps);
    expect(chunks.every((chunk) => !('usage' in chunk))).toBe(true);
    expect(chunks.map((chunk) => 'system_fingerprint' in chunk).indexOf(true)).toBe(chunks.length - 1);
  });

  it('moves the fingerprint to one more chunk, without choices, that carries the usage', () => {
    const { plan, steps } = framesOf({ n: 2, stream_options: { include_usage: true } });
    const chunks = chunksOf(steps);
    expect(chunks.filter((chunk) => 'usage' in chunk || 'system_fingerprint' in chunk)).toEqual([chunks.at(-1)]);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: outputTokensOf(plan) } });
  });

  it('counts along each choice with continuous usage', () => {
    const options = { include_usage: true, continuous_usage_stats: true };
    const chunks = chunksOf(framesOf({ max_tokens: 3, ignore_eos: true, stream_options: options }).steps);
    expect(chunks.map(({ usage }) => usage?.completion_tokens)).toEqual([0, 1, 2, 3, 3]);
  });

  it('gives continuous usage only together with include_usage, as vLLM does', () => {
    const chunks = chunksOf(framesOf({ stream_options: { continuous_usage_stats: true } }).steps);
    expect(chunks.some((chunk) => 'usage' in chunk)).toBe(false);
  });
});
