import { withoutPadding } from './padding.js';

/** The head of a request that can be understood in one way only. */
export interface PlainHead {
  /** Path and query, as they came. */
  readonly target: string;
  /** By lower-case name; each name came once. */
  readonly headers: Record<string, string>;
  /** Where the body begins. */
  readonly bodyAt: number;
  /** Of the body, in bytes. */
  readonly contentLength: number;
  /** The client asks for the end of the connection after the answer. */
  readonly isLast: boolean;
}

const KEEP_ALIVE = 'keep-alive';
const CLOSE = 'close';
const HEAD_END = Buffer.from('\r\n\r\n');
/** Longer heads are rare, and have limits of their own. */
const MAX_HEAD_BYTES = 8_192;
/** RFC 3986's characters of a path and a query. */
const REQUEST_LINE = /^POST (\/[\w\-.~!$&'()*+,;=:@%/?]*) HTTP\/1\.1$/;
const FIELD_LINE = /^[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e]*$/;
const LENGTH = /^\d{1,12}$/;
/** They change what follows the head, or what becomes of the connection. */
const TELLING = new Set(['expect', 'http2-settings', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

/**
 * Reads the head of a POST at the start of `bytes`, if it is as almost every client writes it: whole, of printable ASCII, with a host, one
 * Content-Length, no name twice and nothing that asks for more than an answer. Undefined for everything else, be it right or wrong (RFC 9112).
 */
export function readPlainHead(bytes: Buffer): PlainHead | undefined {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0 || end > MAX_HEAD_BYTES) return undefined;
  const lines = bytes.toString('latin1', 0, end).split('\r\n');
  const target = REQUEST_LINE.exec(lines[0]!)?.[1];
  const headers = target === undefined ? undefined : fieldsOf(lines);
  if (target === undefined || headers?.['host'] === undefined) return undefined;
  const length = headers['content-length'];
  if (length === undefined || !LENGTH.test(length)) return undefined;
  const connection = headers['connection']?.toLowerCase() ?? KEEP_ALIVE;
  if (connection !== KEEP_ALIVE && connection !== CLOSE) return undefined;
  return { target, headers, bodyAt: end + HEAD_END.length, contentLength: Number(length), isLast: connection === CLOSE };
}

function fieldsOf(lines: readonly string[]): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  for (let at = 1; at < lines.length; at += 1) {
    const line = lines[at]!;
    if (!FIELD_LINE.test(line)) return undefined;
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    // What every object has under a name counts as being there: nobody calls a header so.
    if (headers[name] !== undefined || TELLING.has(name)) return undefined;
    headers[name] = withoutPadding(line, colon + 1);
  }
  return headers;
}
