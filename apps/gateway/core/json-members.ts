/** A range of bytes: `start` is the first, `end` the one after the last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** The first byte at or after `at` that is not JSON whitespace. */
export function skipWhitespace(json: Buffer, at: number): number {
  let next = at;
  while (json[next] === 0x20 || json[next] === 0x0a || json[next] === 0x0d || json[next] === 0x09) next += 1;
  return next;
}

/**
 * The value of the member `name` of the object whose `{` stands at `open`: of the last one, as readers take it, where the name stands
 * there twice. The bytes must be valid JSON; strings may hold bytes that are not UTF-8.
 */
export function findMember(json: Buffer, open: number, name: string): Span | undefined {
  let found: Span | undefined;
  let at = skipWhitespace(json, open + 1);
  while (json[at] === QUOTE) {
    const keyEnd = stringEnd(json, at);
    const start = skipWhitespace(json, skipWhitespace(json, keyEnd) + 1);
    const end = valueEnd(json, start);
    if (textOf(json, at, keyEnd) === name) found = { start, end };
    at = skipWhitespace(json, end);
    if (json[at] === COMMA) at = skipWhitespace(json, at + 1);
  }
  return found;
}

function textOf(json: Buffer, start: number, end: number): string {
  const text = json.toString('utf8', start + 1, end - 1);
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
}

/** The position after the string whose opening quote stands at `start`. */
function stringEnd(json: Buffer, start: number): number {
  let quote = json.indexOf(QUOTE, start + 1);
  while (quote !== -1 && isEscaped(json, quote)) quote = json.indexOf(QUOTE, quote + 1);
  return quote === -1 ? json.length : quote + 1;
}

function isEscaped(json: Buffer, at: number): boolean {
  let first = at;
  while (json[first - 1] === BACKSLASH) first -= 1;
  return (at - first) % 2 === 1;
}

function valueEnd(json: Buffer, start: number): number {
  const first = json[start];
  if (first === QUOTE) return stringEnd(json, start);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return containerEnd(json, start);
  let at = start;
  while (at < json.length && !endsScalar(json[at]!)) at += 1;
  return at;
}

function endsScalar(byte: number): boolean {
  return byte <= 0x20 || byte === COMMA || byte === COLON || byte === CLOSE_BRACE || byte === CLOSE_BRACKET;
}

function containerEnd(json: Buffer, start: number): number {
  let depth = 0;
  let at = start;
  while (at < json.length) {
    const byte = json[at]!;
    if (byte === QUOTE) {
      at = stringEnd(json, at);
      continue;
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
    at += 1;
    if (depth === 0) return at;
  }
  return at;
}
