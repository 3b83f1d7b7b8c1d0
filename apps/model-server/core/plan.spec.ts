import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Fields } from './body.js';
import { generationRequest, type GenerationRequest, type Operation } from './generation-request.js';
import { outputTokensOf, planOf, slowdownOf, type Pace } from './plan.js';

const PACE: Pace = { ttftMs: 300, tokensPerSecond: 25, jitter: 0.2 };

function requestOf(fields: Fields, operation: Operation = 'chat'): GenerationRequest {
  const prompt = operation === 'chat' ? { messages: [{ role: 'user', content: 'hello' }] } : { prompt: 'once' };
  const checked = generationRequest(operation, { ...prompt, ...fields }, ['m']);
  if (!checked.ok) throw new Error(JSON.stringify(checked.error));
  return checked.value;
}

const bodies = fc.record(
  {
    messages: fc.array(fc.record({ role: fc.constant('user'), content: fc.string({ unit: 'grapheme' }) }), { minLength: 1, maxLength: 3 }),
    max_tokens: fc.integer({ min: 1, max: 400 }),
    n: fc.integer({ min: 1, max: 4 }),
    temperature: fc.constantFrom(0, 0.5, 1),
  },
  { requiredKeys: ['messages'] },
);

describe('planOf', () => {
  it('gives the same plan for the same body and seed, however often it is asked', () => {
    fc.assert(
      fc.property(bodies, fc.nat(), (body, seed) => {
        expect(planOf(requestOf(body), seed, PACE)).toEqual(planOf(requestOf(structuredClone(body)), seed, PACE));
      }),
    );
  });

  it('gives another plan for another seed and for another body', () => {
    const plan = planOf(requestOf({}), 1, PACE);
    expect(planOf(requestOf({}), 2, PACE).id).not.toBe(plan.id);
    expect(planOf(requestOf({ temperature: 1 }), 1, PACE).id).not.toBe(plan.id);
  });

  it('says the same whether it is streamed or not, with usage or without, and whatever the metadata', () => {
    const plain = planOf(requestOf({}), 1, PACE);
    expect(planOf(requestOf({ stream: true }), 1, PACE)).toEqual(plain);
    expect(planOf(requestOf({ stream: true, stream_options: { include_usage: true } }), 1, PACE)).toEqual(plain);
    expect(planOf(requestOf({ metadata: { 'x-fault': 'slow' } }), 1, PACE)).toEqual(plain);
  });

  it('stops by itself below max_tokens or is cut at it, and never says more', () => {
    fc.assert(
      fc.property(bodies, fc.nat(), (body, seed) => {
        const request = requestOf(body);
        const plan = planOf(request, seed, PACE);
        expect(plan.choices).toHaveLength(request.n);
        expect(plan.delaysMs).toHaveLength(Math.max(...plan.choices.map(({ pieces }) => pieces.length)));
        for (const { pieces, finishReason } of plan.choices) {
          expect(Math.sign(request.maxTokens - pieces.length)).toBe(finishReason === 'stop' ? 1 : 0);
          expect(pieces.indexOf('')).toBe(finishReason === 'stop' ? pieces.length - 1 : -1);
        }
      }),
    );
  });

  it('meets both ends in a sample of seeds', () => {
    const reasons = Array.from({ length: 50 }, (_, seed) => planOf(requestOf({ max_tokens: 64 }), seed, PACE).choices[0]!.finishReason);
    expect(new Set(reasons)).toEqual(new Set(['stop', 'length']));
  });

  it('goes on to max_tokens with ignore_eos, and to min_tokens at least', () => {
    const forced = planOf(requestOf({ max_tokens: 1000, ignore_eos: true }), 1, PACE);
    expect([outputTokensOf(forced), forced.choices[0]!.finishReason]).toEqual([1000, 'length']);
    expect(outputTokensOf(planOf(requestOf({ max_tokens: 1000, min_tokens: 700 }), 1, PACE))).toBe(700);
  });

  it('gives completions 16 tokens unless told otherwise, and a choice to each of n for each prompt', () => {
    const plan = planOf(requestOf({ prompt: ['one', 'two', 'three'], n: 2, ignore_eos: true }, 'text_completion'), 1, PACE);
    expect(plan.choices.map(({ pieces }) => pieces.length)).toEqual([16, 16, 16, 16, 16, 16]);
    expect(outputTokensOf(plan)).toBe(96);
  });

  it('draws the first delay around ttftMs, the others around a token, within the jitter, with the right mean', () => {
    const [first, ...others] = planOf(requestOf({ max_tokens: 8000, ignore_eos: true }), 7, PACE).delaysMs;
    expect(first).toBeGreaterThanOrEqual(240);
    expect(first).toBeLessThanOrEqual(360);
    expect(Math.min(...others)).toBeGreaterThanOrEqual(32);
    expect(Math.max(...others)).toBeLessThanOrEqual(48);
    expect(others.reduce((sum, delay) => sum + delay, 0) / others.length).toBeCloseTo(40, 0);
  });

  it('knows no jitter at 0 and no delay at a pace without limit', () => {
    const { delaysMs } = planOf(requestOf({ max_tokens: 3, ignore_eos: true }), 1, { ttftMs: 0, tokensPerSecond: 1e6, jitter: 0 });
    expect([...delaysMs]).toEqual([0, 0.001, 0.001]);
  });

  it('takes cached tokens in blocks of 16, never more than the prompt has', () => {
    const cached = Array.from({ length: 60 }, (_, seed) => planOf(requestOf({ prompt: 'x'.repeat(400) }, 'text_completion'), seed, PACE));
    for (const plan of cached) expect([plan.cachedTokens % 16, plan.cachedTokens <= plan.promptTokens]).toEqual([0, true]);
    expect(Math.max(...cached.map(({ cachedTokens }) => cachedTokens))).toBeGreaterThan(0);
  });
});

describe('slowdownOf', () => {
  it.each([
    [1, 4, 1],
    [4, 4, 1],
    [6, 4, 1.5],
    [12, 4, 3],
    [1000, 0, 1],
  ])('%i running on an engine for %i take %f times as long', (running, capacity, factor) => {
    expect(slowdownOf(running, capacity)).toBe(factor);
  });
});
