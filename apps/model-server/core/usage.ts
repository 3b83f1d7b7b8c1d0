import type { Operation } from './generation-request.js';
import { outputTokensOf, type Plan } from './plan.js';

/** `usage` of a plain answer. */
export function usageOfAnswer(operation: Operation, plan: Plan): object {
  const created_cache_tokens = operation === 'chat' ? 0 : null;
  return {
    ...counts(plan.promptTokens, outputTokensOf(plan)),
    prompt_tokens_details: { cached_tokens: plan.cachedTokens, created_cache_tokens, multimodal_tokens: null },
    completion_tokens_details: null,
  };
}

/** `usage` of the chunk without choices, at the end of a stream. */
export function usageOfStream(operation: Operation, plan: Plan): object {
  const cached = { cached_tokens: plan.cachedTokens };
  return {
    ...counts(plan.promptTokens, outputTokensOf(plan)),
    prompt_tokens_details: operation === 'chat' ? { ...cached, created_cache_tokens: 0 } : cached,
  };
}

/** `usage` so far, in a chunk of one choice. */
export function usageSoFar(operation: Operation, plan: Plan, outputTokens: number): object {
  const soFar = counts(plan.promptTokens, outputTokens);
  return operation === 'chat' ? { ...soFar, completion_tokens_details: null } : soFar;
}

function counts(input: number, output: number): object {
  return { prompt_tokens: input, total_tokens: input + output, completion_tokens: output };
}
