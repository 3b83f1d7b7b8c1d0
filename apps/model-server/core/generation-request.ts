import { badRequest, modelNotFound, validationError, type ApiError, type Checked } from './api-error.js';
import { given, MAX_MODEL_LENGTH, refuse, type Fields } from './body.js';
import { promptSizes, tokensOfMessages } from './prompt.js';

export type Operation = 'chat' | 'text_completion';

/** A checked request for text. */
export interface GenerationRequest {
  readonly operation: Operation;
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** `usage` in every chunk; vLLM gives it only together with `include_usage`. */
  readonly continuousUsage: boolean;
  /** Tokens of each prompt: one for a chat, several for a batch of completions. */
  readonly promptTokens: readonly number[];
  /** Answers a prompt. */
  readonly n: number;
  readonly minTokens: number;
  readonly maxTokens: number;
  /** Go on to `maxTokens` whatever happens, as load tests want it. */
  readonly ignoreEos: boolean;
  /** Everything that decides the text: the body but for `stream`, `stream_options` and `metadata`. */
  readonly fingerprint: string;
}

/** vLLM's own default for completions; a chat may fill the context. */
const DEFAULT_COMPLETION_TOKENS = 16;
const MAX_CHOICES = 128;
const NOT_TEXT = new Set(['stream', 'stream_options', 'metadata']);

/** Checks a body as vLLM does: shape first, then the model, then the values. The first mistake is the answer. */
export function generationRequest(operation: Operation, fields: Fields, models: readonly string[]): Checked<GenerationRequest> {
  const error = shapeError(operation, fields) ?? modelError(fields, models) ?? valueError(fields);
  if (error) return refuse(error);
  const promptTokens = operation === 'chat' ? [tokensOfMessages(fields['messages'] as unknown[])] : promptSizes(fields['prompt']);
  if (!promptTokens) return refuse(badRequest('Either prompt or prompt_embeds must be provided and non-empty.', 'prompt'));
  if (promptTokens.length * nOf(fields) > MAX_CHOICES) return refuse(badRequest(`At most ${MAX_CHOICES} choices in one request.`, 'n'));
  const longest = Math.max(...promptTokens);
  if (longest >= MAX_MODEL_LENGTH) return refuse(promptTooLong(longest));
  const fingerprint = fingerprintOf(operation, fields);
  if (fingerprint === undefined) return refuse(badRequest('The body is nested too deeply.', null));
  return { ok: true, value: accepted({ operation, model: modelOf(fields, models), promptTokens, fingerprint }, fields) };
}

/** The model asked for, or the first one where none is named. */
export function modelOf(fields: Fields, models: readonly string[]): string {
  return (given(fields, 'model') as string | undefined) ?? models[0]!;
}

export function modelError(fields: Fields, models: readonly string[]): ApiError | undefined {
  const model = given(fields, 'model');
  if (model === undefined) return undefined;
  if (typeof model !== 'string') return validationError('string_type', 'body.model', 'Input should be a valid string', typeof model);
  return models.includes(model) ? undefined : modelNotFound(model, models);
}

type Basics = Pick<GenerationRequest, 'operation' | 'model' | 'promptTokens' | 'fingerprint'>;

function accepted(basics: Basics, fields: Fields): GenerationRequest {
  const options = (given(fields, 'stream_options') ?? {}) as Fields;
  const includeUsage = options['include_usage'] === true;
  const room = MAX_MODEL_LENGTH - Math.max(...basics.promptTokens);
  const maxTokens = Math.min(maxTokensGiven(fields) ?? (basics.operation === 'chat' ? room : DEFAULT_COMPLETION_TOKENS), room);
  return {
    ...basics,
    stream: given(fields, 'stream') === true,
    includeUsage,
    continuousUsage: includeUsage && options['continuous_usage_stats'] === true,
    n: nOf(fields),
    minTokens: Math.min((given(fields, 'min_tokens') as number | undefined) ?? 0, maxTokens),
    maxTokens,
    ignoreEos: given(fields, 'ignore_eos') === true,
  };
}

/** Undefined where the body is nested so deeply that it cannot be written out again. */
function fingerprintOf(operation: Operation, fields: Fields): string | undefined {
  try {
    return `${operation} ${JSON.stringify(Object.entries(fields).filter(([name]) => !NOT_TEXT.has(name)))}`;
  } catch {
    return undefined;
  }
}

function nOf(fields: Fields): number {
  return (given(fields, 'n') as number | undefined) ?? 1;
}

function maxTokensGiven(fields: Fields): number | undefined {
  return (given(fields, 'max_completion_tokens') ?? given(fields, 'max_tokens')) as number | undefined;
}

function shapeError(operation: Operation, fields: Fields): ApiError | undefined {
  for (const name of ['stream', 'ignore_eos']) {
    const value = given(fields, name);
    if (value === undefined || typeof value === 'boolean') continue;
    return validationError('bool_parsing', `body.${name}`, 'Input should be a valid boolean, unable to interpret input', typeof value);
  }
  for (const name of ['max_tokens', 'max_completion_tokens', 'min_tokens', 'n']) {
    const value = given(fields, name);
    if (value === undefined || Number.isInteger(value)) continue;
    return validationError('int_parsing', `body.${name}`, 'Input should be a valid integer', typeof value);
  }
  return optionsError(fields) ?? (operation === 'chat' ? messagesError(fields) : undefined);
}

function optionsError(fields: Fields): ApiError | undefined {
  const options = given(fields, 'stream_options');
  if (options === undefined) return undefined;
  if (typeof options !== 'object' || Array.isArray(options)) {
    return validationError('model_attributes_type', 'body.stream_options', 'Input should be a valid dictionary', typeof options);
  }
  if (given(fields, 'stream') === true) return undefined;
  return badRequest('Stream options can only be defined when `stream=True`.', 'stream_options');
}

function messagesError(fields: Fields): ApiError | undefined {
  const messages = given(fields, 'messages');
  if (messages === undefined) {
    return validationError('missing', 'body.messages', 'Field required', `<dict of ${Object.keys(fields).length} items>`);
  }
  if (!Array.isArray(messages)) return validationError('list_type', 'body.messages', 'Input should be a valid list', typeof messages);
  if (messages.length > 0) return undefined;
  return badRequest('Cannot apply chat template to an empty conversation. Provide at least one message.', null);
}

function valueError(fields: Fields): ApiError | undefined {
  for (const name of ['max_completion_tokens', 'max_tokens'] as const) {
    const value = given(fields, name) as number | undefined;
    if (value === undefined) continue;
    if (value < 1) return badRequest(`${name} must be at least 1, got ${value}.`, name, value);
    const limit = `${name}=${value} cannot be greater than max_model_len=${MAX_MODEL_LENGTH}. Please request fewer output tokens.`;
    if (value > MAX_MODEL_LENGTH) return badRequest(limit, name, value);
  }
  if (nOf(fields) < 1) return badRequest(`n must be at least 1, got ${nOf(fields)}.`, 'n', nOf(fields));
  const temperature = given(fields, 'temperature');
  if (typeof temperature !== 'number' || (temperature >= 0 && temperature <= 2)) return undefined;
  return badRequest(`temperature must be in [0, 2], got ${temperature}.`, 'temperature', temperature);
}

function promptTooLong(tokens: number): ApiError {
  return badRequest(
    `This model's maximum context length is ${MAX_MODEL_LENGTH} tokens. However, your prompt contains at least ${tokens} input tokens, which exceeds this limit even without any output tokens. Please reduce the length of the input prompt.`,
    'input_tokens',
    tokens,
  );
}
