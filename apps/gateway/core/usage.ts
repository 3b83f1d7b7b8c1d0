import { integerIn, isJsonObject, type JsonObject } from './json.js';

/** Token counts as the upstream gave them. What it did not give, or gave as nonsense, is absent: never 0. */
export interface Usage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly cachedInputTokens?: number;
  readonly reasoningTokens?: number;
}

type Counts = { readonly [Name in keyof Usage]: number | undefined };

const MAX_TOKENS = 1e9;

/** The usage of chat and text completions, embeddings (`prompt_tokens` …) and responses (`input_tokens` …); undefined if nothing is known. */
export function readUsage(usage: unknown): Usage | undefined {
  if (!isJsonObject(usage)) return undefined;
  const inputDetails = usage['prompt_tokens_details'] ?? usage['input_tokens_details'];
  const outputDetails = usage['completion_tokens_details'] ?? usage['output_tokens_details'];
  return knownOf({
    inputTokens: tokens(usage['prompt_tokens'] ?? usage['input_tokens']),
    outputTokens: tokens(usage['completion_tokens'] ?? usage['output_tokens']),
    cachedInputTokens: isJsonObject(inputDetails) ? tokens(inputDetails['cached_tokens']) : undefined,
    reasoningTokens: isJsonObject(outputDetails) ? tokens(outputDetails['reasoning_tokens']) : undefined,
  });
}

/** The usage of messages, whose `input_tokens` leave out what came from or went into the cache. */
export function readMessagesUsage(usage: unknown): Usage | undefined {
  if (!isJsonObject(usage)) return undefined;
  const cachedInputTokens = tokens(usage['cache_read_input_tokens']);
  return knownOf({ inputTokens: messagesInput(usage), outputTokens: tokens(usage['output_tokens']), cachedInputTokens });
}

function messagesInput(usage: JsonObject): number | undefined {
  const fresh = tokens(usage['input_tokens']);
  if (fresh === undefined) return undefined;
  return tokens(fresh + (tokens(usage['cache_read_input_tokens']) ?? 0) + (tokens(usage['cache_creation_input_tokens']) ?? 0));
}

function tokens(value: unknown): number | undefined {
  return integerIn(value, 0, MAX_TOKENS);
}

function knownOf({ inputTokens, outputTokens, cachedInputTokens, reasoningTokens }: Counts): Usage | undefined {
  if ((inputTokens ?? outputTokens ?? cachedInputTokens ?? reasoningTokens) === undefined) return undefined;
  const known: { -readonly [Name in keyof Usage]: Usage[Name] } = {};
  if (inputTokens !== undefined) known.inputTokens = inputTokens;
  if (outputTokens !== undefined) known.outputTokens = outputTokens;
  if (cachedInputTokens !== undefined) known.cachedInputTokens = cachedInputTokens;
  if (reasoningTokens !== undefined) known.reasoningTokens = reasoningTokens;
  return known;
}
