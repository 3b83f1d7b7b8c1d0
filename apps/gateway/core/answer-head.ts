import { withoutPadding } from './padding.js';

/** The head of an upstream's answer. */
export interface AnswerHead {
  /** 200 to 599. */
  readonly status: number;
  readonly statusText: string;
  /** Names and values in turn, as they came; bytes are Latin-1 by the protocol's definition. */
  readonly headers: readonly string[];
  readonly contentType: string;
  readonly contentLength: number | undefined;
  /** True if the body is compressed, although plain bytes were asked for. */
  readonly isEncoded: boolean;
}

/** A head with what only the two ends of its connection need to know. */
export interface WireHead extends AnswerHead {
  readonly isChunked: boolean;
  /** How long the connection may be used again after this answer, in ms, as far as the head says; 0 for not at all. */
  readonly keepAliveMs: number;
}

/** An answer that breaks the protocol. Its message tells how, and quotes nothing of it. */
export class BadAnswer extends Error {
  constructor(message: string) {
    super(`the answer is not HTTP/1.1: ${message}`);
    this.name = 'BadAnswer';
  }
}

const STATUS_LINE = /^HTTP\/1\.[01] [1-5]\d\d(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const FIELD_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*$/;
/** Where the parts of a status line stand. */
const MINOR_AT = 7;
const STATUS_AT = 9;
const REASON_AT = 13;
const NONE: readonly string[] = [];
const DIGITS = /^\d{1,15}$/;
const KEEP_ALIVE_SECONDS = /timeout=(\d+)/i;
/** An origin closes idle connections by its own clock: they are given up so much earlier, in ms. */
const KEEP_ALIVE_MARGIN_MS = 1_000;

/** What the fields say that the gateway itself wants to know. */
interface Known {
  contentType: string;
  encoding: string;
  length: string | undefined;
  transferEncoding: string | undefined;
  connection: string;
  keepAlive: string;
}

/**
 * Reads a head without its closing empty line. By RFC 9112, and strictly: whatever could be understood in two ways (folded lines, a length beside
 * chunks, two lengths, a bare line end) throws BadAnswer.
 */
export function readAnswerHead(text: string): WireHead {
  const lines = text.split('\r\n');
  const first = lines[0]!;
  if (!STATUS_LINE.test(first)) fail('the status line cannot be read');
  const known: Known = {
    contentType: '',
    encoding: 'identity',
    length: undefined,
    transferEncoding: undefined,
    connection: '',
    keepAlive: '',
  };
  const headers: string[] = [];
  for (let at = 1; at < lines.length; at += 1) {
    const line = lines[at]!;
    if (!FIELD_LINE.test(line)) fail('a header line cannot be read');
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    const value = withoutPadding(line, colon + 1);
    headers.push(name, value);
    note(known, name.toLowerCase(), value);
  }
  return {
    status: Number(first.slice(STATUS_AT, REASON_AT - 1)),
    statusText: first.slice(REASON_AT),
    headers,
    contentType: known.contentType,
    contentLength: lengthOf(known),
    isEncoded: known.encoding !== 'identity',
    isChunked: isChunked(known),
    keepAliveMs: keepAliveOf(known, first[MINOR_AT] === '1'),
  };
}

function note(known: Known, name: string, value: string): void {
  if (name === 'content-type') known.contentType ||= value;
  else if (name === 'content-encoding') known.encoding = value.toLowerCase();
  else if (name === 'content-length') known.length = known.length === undefined ? value : fail('it has more than one Content-Length');
  else if (name === 'transfer-encoding') known.transferEncoding = listed(known.transferEncoding, value);
  else if (name === 'connection') known.connection = listed(known.connection, value);
  else if (name === 'keep-alive') known.keepAlive = value;
}

function listed(before: string | undefined, value: string): string {
  return before ? `${before}, ${value.toLowerCase()}` : value.toLowerCase();
}

function lengthOf({ length, transferEncoding }: Known): number | undefined {
  if (length === undefined) return undefined;
  if (transferEncoding !== undefined) return fail('it has both Content-Length and Transfer-Encoding');
  return DIGITS.test(length) ? Number(length) : fail('its Content-Length is no number');
}

function isChunked({ transferEncoding }: Known): boolean {
  if (transferEncoding === undefined) return false;
  return transferEncoding === 'chunked' || fail('its Transfer-Encoding is not chunked');
}

function keepAliveOf({ connection, keepAlive }: Known, isVersion11: boolean): number {
  const options = connection === '' ? NONE : connection.split(',').map((option) => option.trim());
  if (options.includes('close') || (!isVersion11 && !options.includes('keep-alive'))) return 0;
  const seconds = keepAlive === '' ? undefined : KEEP_ALIVE_SECONDS.exec(keepAlive)?.[1];
  return seconds === undefined ? Infinity : Math.max(Number(seconds) * 1000 - KEEP_ALIVE_MARGIN_MS, 0);
}

function fail(message: string): never {
  throw new BadAnswer(message);
}
