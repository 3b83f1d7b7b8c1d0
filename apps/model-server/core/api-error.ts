/** An answer that is not 2xx: its status and its body, in the shapes that vLLM gives them. */
export interface ApiError {
  readonly status: number;
  readonly body: object;
}

export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ApiError };

/** `{"error":{"message","type","param","code"}}` with the status as a numeric code. */
export function apiError(status: number, type: string, message: string, param: string | null = null): ApiError {
  return { status, body: { error: { message, type, param, code: status } } };
}

/** A value that the engine itself refuses. The message names the parameter, and `value` where it is given. */
export function badRequest(message: string, param: string | null, value?: number): ApiError {
  const details = [...(param === null ? [] : [`parameter=${param}`]), ...(value === undefined ? [] : [`value=${value}`])];
  const suffix = details.length === 0 ? '' : ` (${details.join(', ')})`;
  return apiError(400, 'BadRequestError', message + suffix, param);
}

/** A body that does not fit its schema; `location` is dotted, as in `body.messages`. */
export function validationError(kind: string, location: string, message: string, input: string): ApiError {
  const text = `1 validation error:\n  {'type': '${kind}', 'loc': '${location}', 'msg': '${message}', 'input': '${input}'}`;
  return apiError(400, 'Bad Request', text, location);
}

export function modelNotFound(model: string, models: readonly string[]): ApiError {
  return apiError(404, 'NotFoundError', `The model \`${model}\` does not exist. Valid aliases: ${models.join(', ')}.`, 'model');
}

/** What vLLM says when its engine process has died. */
export const ENGINE_DEAD: ApiError = apiError(
  500,
  'InternalServerError',
  'EngineCore encountered an issue. See stack trace (above) for the root cause.',
);

export const RATE_LIMITED: ApiError = apiError(429, 'RateLimitError', 'Rate limit reached. Please try again later.');
