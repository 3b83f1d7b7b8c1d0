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
/** Longer heads are rare, and none of these. */
export const MAX_HEAD_BYTES = 8_192;
/** A target of RFC 3986's characters of a path and a query, then fields of printable ASCII. */
const HEAD = /^POST (\/[\w\-.~!$&'()*+,;=:@%/?]*) HTTP\/1\.1(?:\r\n[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e]*)*$/;
const LINE_END = '\r\n';
const LENGTH = /^\d{1,12}$/;
/** They change what follows the head, or what becomes of the connection. */
const TELLING = new Set(['expect', 'http2-settings', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

/**
 * Reads the head of a POST at the start of `bytes`, if it is as almost every client writes it: whole, of printable ASCII, with a host, one
 * Content-Length, no name twice and nothing that asks for more than an answer. Undefined for everything else, be it right or wrong (RFC 9112).
 */
export function readPlainHead(bytes: Buffer): PlainHead | undefined {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0 || end > MAX_HEAD_BYTES) return undefined;
  const text = bytes.toString('latin1', 0, end);
  const target = HEAD.exec(text)?.[1];
  const headers = target === undefined ? undefined : fieldsOf(text);
  if (target === undefined || headers?.['host'] === undefined) return undefined;
  const length = headers['content-length'];
  if (length === undefined || !LENGTH.test(length)) return undefined;
  const connection = headers['connection']?.toLowerCase() ?? KEEP_ALIVE;
  if (connection !== KEEP_ALIVE && connection !== CLOSE) return undefined;
  return { target, headers, bodyAt: end + HEAD_END.length, contentLength: Number(length), isLast: connection === CLOSE };
}

/** What stands after the first line. Undefined if a name comes twice, or tells more than is understood here. */
function fieldsOf(text: string): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  let end = text.indexOf(LINE_END);
  while (end >= 0) {
    const start = end + LINE_END.length;
    end = text.indexOf(LINE_END, start);
    const colon = text.indexOf(':', start);
    const name = text.slice(start, colon).toLowerCase();
    // A name such as `constructor`, which every object has, counts as a repeat, too.
    if (headers[name] !== undefined || TELLING.has(name)) return undefined;
    headers[name] = withoutPadding(text, colon + 1, end < 0 ? text.length : end);
  }
  return headers;
}
