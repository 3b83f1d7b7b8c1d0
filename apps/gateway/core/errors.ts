import type { ErrorType } from '#libs/contracts';
import type { Operation } from './operations.js';

/** A failure that the gateway itself answers. */
export interface GatewayError {
  readonly status: number;
  readonly errorType: ErrorType;
  readonly code: string;
  readonly message: string;
  readonly retryAfterSeconds?: number;
  /** Stands beside `error` in the body. */
  readonly extra?: Readonly<Record<string, number>>;
}

const RETRY_AFTER_SECONDS = 1;

const unavailable = { status: 503, retryAfterSeconds: RETRY_AFTER_SECONDS } as const;

export const INVALID_JSON: GatewayError = {
  status: 400,
  errorType: 'invalid_request',
  code: 'invalid_json',
  message: 'The request body is not a JSON object.',
};

export const QUEUE_TIMEOUT: GatewayError = {
  ...unavailable,
  errorType: 'queue_timeout',
  code: 'queue_timeout',
  message: 'The request waited too long in the queue.',
};

/** Neither a queue nor the upstream refuses here: the gateway itself is going away. */
export const DRAINING: GatewayError = {
  ...unavailable,
  errorType: 'internal',
  code: 'shutting_down',
  message: 'The server is shutting down.',
};

/** One that waited in the queue in vain when the gateway went away. */
export const DRAINED_IN_QUEUE: GatewayError = { ...DRAINING, errorType: 'queue_timeout' };

/** Ended by the operator. Not one of the statuses at which clients try again by themselves. */
export const CANCELLED: GatewayError = {
  status: 499,
  errorType: 'internal',
  code: 'request_cancelled',
  message: 'The request was cancelled by the operator.',
};

/** No connection, or one that ended before any answer. */
export const UPSTREAM_UNREACHABLE: GatewayError = {
  status: 502,
  errorType: 'upstream_unreachable',
  code: 'upstream_unreachable',
  message: 'The model server cannot be reached.',
};

export const AGGREGATOR_UNREACHABLE: GatewayError = { ...UPSTREAM_UNREACHABLE, message: 'The aggregator cannot be reached.' };

export const UPSTREAM_TIMEOUT: GatewayError = {
  status: 504,
  errorType: 'upstream_timeout',
  code: 'upstream_timeout',
  message: 'The model server did not answer in time.',
};

export const INTERNAL: GatewayError = {
  status: 500,
  errorType: 'internal',
  code: 'internal',
  message: 'The gateway failed to handle the request.',
};

/** The tenant, not the gateway, is at its limit. */
export function tenantQueueFull(queueSize: number, maxQueueSize: number): GatewayError {
  return {
    status: 429,
    errorType: 'rate_limited',
    code: 'tenant_queue_full',
    message: 'Too many requests of this tenant are waiting already.',
    extra: { queue_size: queueSize, max_queue_size: maxQueueSize },
  };
}

export function queueFull(queueSize: number, maxQueueSize: number): GatewayError {
  return {
    ...unavailable,
    errorType: 'queue_full',
    code: 'queue_full',
    message: 'The server is busy: its queue is full.',
    extra: { queue_size: queueSize, max_queue_size: maxQueueSize },
  };
}

export function notFound(method: string, path: string): GatewayError {
  return { status: 404, errorType: 'not_found', code: 'not_found', message: `There is no ${method} ${path}.` };
}

/** A request that was refused before its body was read: too large, of a broken media type, of a false length. */
export function refusedBody(status: number, maxBodyBytes: number): GatewayError {
  if (status !== 413) return { status, errorType: 'invalid_request', code: 'invalid_request', message: 'The request cannot be read.' };
  const message = `The request body is too large: at most ${maxBodyBytes} bytes are allowed.`;
  return { status, errorType: 'invalid_request', code: 'body_too_large', message };
}

/** The body of an answer to what no route ever sees: broken HTTP, a path that cannot be decoded, headers without end. */
export function brokenRequestBody(status: number): string {
  const [code, message] = BROKEN_REQUESTS.get(status) ?? ['bad_request', 'The request is not valid HTTP.'];
  return errorBody({ status, errorType: 'invalid_request', code, message });
}

const BROKEN_REQUESTS: ReadonlyMap<number, readonly [code: string, message: string]> = new Map([
  [408, ['request_timeout', 'The request took too long to arrive.']],
  [413, ['chunk_extensions_too_large', 'The chunk extensions of the request body are too large.']],
  [417, ['expectation_failed', 'The only expectation that can be met is 100-continue.']],
  [431, ['headers_too_large', 'The request headers are too large.']],
]);

export const UNAUTHORIZED: GatewayError = {
  status: 401,
  errorType: 'unauthorized',
  code: 'invalid_api_key',
  message: 'A valid bearer token is needed.',
};

export const ADMIN_CLOSED: GatewayError = {
  status: 403,
  errorType: 'unauthorized',
  code: 'admin_closed',
  message: 'Administration needs a bearer token, and this gateway has none: set API_TOKEN.',
};

/** `problem` is one sentence for the operator. */
export function badLimits(problem: string): GatewayError {
  return { status: 400, errorType: 'invalid_request', code: 'invalid_limits', message: problem };
}

export const NO_SUCH_REQUEST: GatewayError = {
  status: 404,
  errorType: 'not_found',
  code: 'request_not_found',
  message: 'No request of this id is open here.',
};

export const UNKNOWN_KEY: GatewayError = { ...UNAUTHORIZED, message: 'A valid API key is needed.' };

/** The JSON body of `error`, in the shape that clients of `operation` expect: Anthropic's for messages, else OpenAI's. */
export function errorBody(error: GatewayError, operation?: Operation): string {
  const { message, code, extra } = error;
  if (operation?.name === 'messages') return JSON.stringify({ type: 'error', error: { type: anthropicType(error), message }, ...extra });
  return JSON.stringify({
    error: { message, type: error.status < 500 ? 'invalid_request_error' : 'server_error', code, param: null },
    ...extra,
  });
}

function anthropicType({ status }: GatewayError): string {
  return ANTHROPIC_TYPES.get(status) ?? (status < 500 ? 'invalid_request_error' : 'api_error');
}

const ANTHROPIC_TYPES: ReadonlyMap<number, string> = new Map([
  [401, 'authentication_error'],
  [404, 'not_found_error'],
  [413, 'request_too_large'],
  [503, 'overloaded_error'],
  [504, 'timeout_error'],
]);

/** What an answer of the upstream counts as, or undefined for a success. */
export function errorTypeOf(status: number): ErrorType | undefined {
  if (status >= 200 && status < 300) return undefined;
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 404) return 'not_found';
  if (status === 429) return 'rate_limited';
  return status >= 400 && status < 500 ? 'invalid_request' : 'upstream_error';
}
