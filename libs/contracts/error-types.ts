/** Why a request failed: the closed set of `error_type` in events, metrics and the JSON API. */
export const ERROR_TYPES = [
  'invalid_request',
  'unauthorized',
  'not_found',
  'rate_limited',
  'queue_full',
  'queue_timeout',
  'upstream_unreachable',
  'upstream_timeout',
  'upstream_error',
  'stream_truncated',
  'internal',
] as const;
export type ErrorType = (typeof ERROR_TYPES)[number];

/** Where a request was when its client hung up. */
export const CANCEL_PHASES = ['queued', 'before_first_token', 'streaming'] as const;
export type CancelPhase = (typeof CANCEL_PHASES)[number];

/** Where token counts come from: the upstream's `usage`, our count of chunks (a lower bound), or nowhere. */
export const USAGE_SOURCES = ['upstream', 'counted', 'unknown'] as const;
export type UsageSource = (typeof USAGE_SOURCES)[number];
