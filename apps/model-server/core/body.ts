import { apiError, validationError, type ApiError, type Checked } from './api-error.js';

export type Fields = Readonly<Record<string, unknown>>;

/** The longest prompt and answer together, in tokens. */
export const MAX_MODEL_LENGTH = 32_768;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Reads a JSON object from a request's body, refusing with the answers that vLLM gives. */
export function readBody(contentType: string | undefined, bytes: Uint8Array): Checked<Fields> {
  if (!/^application\/(.+\+)?json\b/i.test(contentType ?? '')) {
    const text = "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed";
    return refuse(apiError(400, 'Bad Request', text));
  }
  if (bytes.byteLength === 0) return refuse(validationError('missing', 'body', 'Field required', 'None'));
  const text = decode(bytes);
  return text === undefined ? refuse({ status: 400, body: { detail: 'There was an error parsing the body' } }) : parse(text);
}

/** `null` and absent are the same to vLLM. */
export function given(fields: Fields, name: string): unknown {
  return fields[name] ?? undefined;
}

export function refuse(error: ApiError): { readonly ok: false; readonly error: ApiError } {
  return { ok: false, error };
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function parse(text: string): Checked<Fields> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ok: true, value: parsed as Fields };
    return refuse(validationError('model_attributes_type', 'body', 'Input should be a valid dictionary', typeof parsed));
  } catch {
    // vLLM names the place of the mistake; here it is the end, which is right for a body that was cut off.
    const where = `body.${text.length}`;
    const detail = `{'type': 'json_invalid', 'loc': '${where}', 'msg': 'JSON decode error', 'input': '<dict of 0 items>', 'ctx': {'error': 'Expecting value'}}`;
    return refuse(apiError(400, 'Bad Request', `1 validation error:\n  ${detail}`, where));
  }
}
