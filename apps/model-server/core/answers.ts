import { SYSTEM_FINGERPRINT } from './frames.js';
import type { Operation } from './generation-request.js';
import type { Plan, PlannedChoice } from './plan.js';
import { usageOfAnswer } from './usage.js';

/** The body of a plain answer, with vLLM's keys in vLLM's order; `usage` can be left out to play an engine that gives none. */
export function answerOf(operation: Operation, plan: Plan, id: string, withUsage: boolean): object {
  const choices = plan.choices.map(operation === 'chat' ? chatChoice : completionChoice);
  return {
    id,
    object: operation === 'chat' ? 'chat.completion' : 'text_completion',
    created: plan.createdSeconds,
    model: plan.model,
    choices,
    service_tier: null,
    system_fingerprint: SYSTEM_FINGERPRINT,
    ...(withUsage ? { usage: usageOfAnswer(operation, plan) } : {}),
    ...(operation === 'chat' ? { prompt_logprobs: null, prompt_token_ids: null, prompt_text: null } : {}),
    kv_transfer_params: null,
    ec_transfer_params: null,
    metrics: null,
  };
}

/** The completion's id: the client's `x-request-id` where there is one, else the plan's own. */
export function answerId(operation: Operation, plan: Plan, requestId: string | undefined): string {
  return `${operation === 'chat' ? 'chatcmpl' : 'cmpl'}-${requestId ?? plan.id}`;
}

function chatChoice({ pieces, finishReason }: PlannedChoice, index: number): object {
  const message = {
    role: 'assistant',
    content: pieces.join(''),
    refusal: null,
    annotations: null,
    audio: null,
    function_call: null,
    reasoning: null,
  };
  return { index, message, logprobs: null, finish_reason: finishReason, stop_reason: null, token_ids: null, routed_experts: null };
}

function completionChoice({ pieces, finishReason }: PlannedChoice, index: number): object {
  return {
    index,
    text: pieces.join(''),
    logprobs: null,
    finish_reason: finishReason,
    stop_reason: null,
    token_ids: null,
    prompt_logprobs: null,
    prompt_token_ids: null,
    routed_experts: null,
  };
}
