/** Causes that need no further word. */
export type SimpleProblem = 'refused' | 'unknown_host' | 'timeout' | 'cut' | 'not_http' | 'too_large' | 'not_json';

/** Why there is no document: a closed set of kinds. `code` is the system's own name for a cause that we have no words for. */
export type Problem =
  | { readonly kind: SimpleProblem }
  | { readonly kind: 'network'; readonly code: string }
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'bad_field'; readonly path: string };

const KINDS: Readonly<Record<string, SimpleProblem>> = {
  ECONNREFUSED: 'refused',
  ENOTFOUND: 'unknown_host',
  EAI_AGAIN: 'unknown_host',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  TimeoutError: 'timeout',
  ECONNRESET: 'cut',
  EPIPE: 'cut',
  UND_ERR_SOCKET: 'cut',
  HTTPParserError: 'not_http',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'too_large',
  UND_ERR_HEADERS_OVERFLOW: 'too_large',
};

/** The problem behind an error of the HTTP client, by its code or, where it has none, its name. */
export function problemOf(code: string): Problem {
  return Object.hasOwn(KINDS, code) ? { kind: KINDS[code]! } : { kind: 'network', code };
}
