import { badRequest, validationError, type Checked } from './api-error.js';
import { given, refuse, type Fields } from './body.js';
import { modelError, modelOf } from './generation-request.js';
import { createdSecondsOf } from './plan.js';
import { promptSizes } from './prompt.js';
import { digestOf, hexOf, Random } from './random.js';

/** A checked request for embeddings. */
export interface EmbeddingsRequest {
  readonly model: string;
  readonly inputs: readonly unknown[];
  readonly promptTokens: number;
  readonly base64: boolean;
  readonly fingerprint: string;
}

const DIMENSIONS = 64;

export function embeddingsRequest(fields: Fields, models: readonly string[]): Checked<EmbeddingsRequest> {
  const error = modelError(fields, models);
  if (error) return refuse(error);
  const format = given(fields, 'encoding_format') ?? 'float';
  if (format !== 'float' && format !== 'base64') {
    return refuse(validationError('literal_error', 'body.encoding_format', "Input should be 'float' or 'base64'", typeof format));
  }
  const input = given(fields, 'input');
  const sizes = promptSizes(input);
  if (!sizes) return refuse(badRequest('Input must be a text, a list of texts or lists of token ids, and not empty.', 'input'));
  const inputs = sizes.length === 1 && !(Array.isArray(input) && typeof input[0] === 'string') ? [input] : (input as unknown[]);
  const promptTokens = sizes.reduce((sum, size) => sum + size, 0);
  const model = modelOf(fields, models);
  return {
    ok: true,
    value: { model, inputs, promptTokens, base64: format === 'base64', fingerprint: `embeddings ${JSON.stringify([model, input])}` },
  };
}

/** The answer to `request`: a unit vector for each input, the same for the same input and seed. */
export function embeddingsOf(request: EmbeddingsRequest, seed: number, withUsage: boolean): object {
  const digest = digestOf(request.fingerprint, seed);
  const tokens = request.promptTokens;
  const usage = {
    prompt_tokens: tokens,
    total_tokens: tokens,
    completion_tokens: 0,
    prompt_tokens_details: null,
    completion_tokens_details: null,
  };
  return {
    id: `embd-${hexOf(digest)}`,
    object: 'list',
    created: createdSecondsOf(digest),
    model: request.model,
    data: request.inputs.map((input, index) => {
      const vector = vectorOf(JSON.stringify(input), seed);
      return { index, object: 'embedding', embedding: request.base64 ? base64Of(vector) : [...vector] };
    }),
    ...(withUsage ? { usage } : {}),
  };
}

function vectorOf(text: string, seed: number): Float32Array {
  const random = new Random(digestOf(text, seed).low);
  const values = Array.from({ length: DIMENSIONS }, () => 2 * random.next() - 1);
  const length = Math.hypot(...values);
  return Float32Array.from(values, (value) => value / length);
}

/** Little-endian floats, as the OpenAI clients ask for them. */
function base64Of(vector: Float32Array): string {
  return btoa(String.fromCharCode(...new Uint8Array(vector.buffer)));
}
