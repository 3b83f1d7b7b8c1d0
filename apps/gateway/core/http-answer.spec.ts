import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BadAnswer } from './answer-head.js';
import { HttpAnswerReader } from './http-answer.js';

/** What a reader told, with the data joined: how it was cut is no part of an answer. */
interface Read {
  readonly status: number | undefined;
  readonly headers: readonly string[];
  readonly body: string;
  readonly end: 'whole' | 'open' | 'whole at the end of the connection' | 'bad';
  readonly keepAliveMs: number;
}

function read(pieces: readonly Buffer[], isToHead = false): Read {
  const reader = new HttpAnswerReader();
  let status: number | undefined;
  let headers: readonly string[] = [];
  const parts: Buffer[] = [];
  const sink = {
    head: (head: { readonly status: number; readonly headers: readonly string[] }) => ({ status, headers } = head),
    data: (bytes: Buffer) => void parts.push(bytes),
  };
  reader.expect(sink, isToHead);
  const told = (end: Read['end']): Read => ({
    status,
    headers,
    body: Buffer.concat(parts).toString('latin1'),
    end,
    keepAliveMs: end === 'bad' ? 0 : reader.keepAliveMs,
  });
  try {
    for (const piece of pieces) reader.push(piece);
  } catch (error) {
    if (error instanceof BadAnswer) return told('bad');
    throw error;
  }
  if (!reader.isOpen) return told('whole');
  return told(reader.endsWithConnection ? 'whole at the end of the connection' : 'open');
}

function readText(text: string, isToHead = false): Read {
  return read([Buffer.from(text, 'latin1')], isToHead);
}

/** `text` cut before each of these places. */
function cut(text: string, places: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text, 'latin1');
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [...ends, bytes.length].map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1]!, end));
}

function answer(...lines: string[]): string {
  return lines.join('\r\n');
}

const PLAIN = answer('HTTP/1.1 200 OK', 'Content-Type: text/plain', 'Content-Length: 5', '', 'hello');
const CHUNKED = answer('HTTP/1.1 200 OK', 'transfer-encoding: Chunked', '', '5', 'hello', '6;a="b"', ' world', '0', 'x-note: 1', '', '');

describe('HttpAnswerReader', () => {
  it('reads an answer with a length', () => {
    expect(readText(PLAIN)).toEqual({
      status: 200,
      headers: ['Content-Type', 'text/plain', 'Content-Length', '5'],
      body: 'hello',
      end: 'whole',
      keepAliveMs: Infinity,
    });
  });

  it('reads an answer in chunks, and passes over extensions and trailers', () => {
    expect(readText(CHUNKED)).toMatchObject({ body: 'hello world', end: 'whole', keepAliveMs: Infinity });
  });

  it('reads an answer that ends with its connection, which cannot be used again', () => {
    const text = answer('HTTP/1.1 200 OK', '', 'hello');
    expect(readText(text)).toMatchObject({ body: 'hello', end: 'whole at the end of the connection', keepAliveMs: 0 });
  });

  it.each(['100 Continue', '103 Early Hints'])('passes over %s', (interim) => {
    expect(readText(answer(`HTTP/1.1 ${interim}`, 'link: x', '', PLAIN))).toMatchObject({ status: 200, body: 'hello', end: 'whole' });
  });

  it.each(['HTTP/1.1 204 No Content', 'HTTP/1.1 304 Not Modified'])('expects no body after %s', (first) => {
    expect(readText(answer(first, 'content-length: 5', '', ''))).toMatchObject({ body: '', end: 'whole' });
  });

  it('expects no body of an answer to HEAD', () => {
    expect(readText(answer('HTTP/1.1 200 OK', 'content-length: 5', '', ''), true)).toMatchObject({ body: '', end: 'whole' });
    expect(readText(answer('HTTP/1.1 200 OK', 'transfer-encoding: chunked', '', ''), true)).toMatchObject({ body: '', end: 'whole' });
  });

  it('tells an empty body as none', () => {
    expect(readText(answer('HTTP/1.1 200 OK', 'content-length: 0', '', ''))).toMatchObject({ body: '', end: 'whole' });
  });

  it('keeps header bytes as they are, without the padding around values', () => {
    const text = answer('HTTP/1.1 200', 'X-Name:\t \xe9 b \t', 'x-empty:', 'X-Name: c', 'content-length: 0', '', '');
    expect(readText(text).headers).toEqual(['X-Name', '\xe9 b', 'x-empty', '', 'X-Name', 'c', 'content-length', '0']);
  });

  it.each([
    ['HTTP/1.1 200 OK', [], Infinity],
    ['HTTP/1.1 200 OK', ['Connection: Close'], 0],
    ['HTTP/1.1 200 OK', ['connection: x-a , close'], 0],
    ['HTTP/1.1 200 OK', ['connection: x-a', 'connection: close'], 0],
    ['HTTP/1.1 200 OK', ['connection: keep-alive', 'keep-alive: timeout=5, max=100'], 4_000],
    ['HTTP/1.1 200 OK', ['keep-alive: timeout=1'], 0],
    ['HTTP/1.0 200 OK', [], 0],
    ['HTTP/1.0 200 OK', ['connection: keep-alive'], Infinity],
  ])('knows how long a connection may be used after %s %j', (first, fields, keepAliveMs) => {
    expect(readText(answer(first, ...fields, 'content-length: 0', '', ''))).toMatchObject({ end: 'whole', keepAliveMs });
  });

  it('uses no connection again on which more came than the answer', () => {
    expect(readText(`${PLAIN}HTTP/1.1 200 OK`)).toMatchObject({ body: 'hello', end: 'whole', keepAliveMs: 0 });
    expect(readText(`${CHUNKED}x`)).toMatchObject({ body: 'hello world', end: 'whole', keepAliveMs: 0 });
  });

  it('reads one answer after another on one connection', () => {
    const reader = new HttpAnswerReader();
    for (const text of [PLAIN, CHUNKED, PLAIN]) {
      const parts: string[] = [];
      reader.expect({ head: () => {}, data: (bytes) => parts.push(bytes.toString()) }, false);
      reader.push(Buffer.from(text));
      expect([parts.join('').slice(0, 5), reader.isOpen]).toEqual(['hello', false]);
    }
  });

  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['another version', 'HTTP/2 200 OK\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a status that nobody knows', 'HTTP/1.1 999 OK\r\n\r\n'],
    ['a change of protocol', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['a folded line', answer('HTTP/1.1 200 OK', 'x-a: b', ' c', '', '')],
    ['a space before the colon', answer('HTTP/1.1 200 OK', 'content-length : 5', '', 'hello')],
    ['a line without a colon', answer('HTTP/1.1 200 OK', 'hello', '', '')],
    ['a name that is none', answer('HTTP/1.1 200 OK', 'x(a): b', '', '')],
    ['a null byte in a value', answer('HTTP/1.1 200 OK', 'x-a: b\0c', '', '')],
    ['a bare line feed in the head', answer('HTTP/1.1 200 OK', 'x-a: b\nx-c: d', '', '')],
    ['a bare carriage return in the head', answer('HTTP/1.1 200 OK', 'x-a: b\rx-c: d', '', '')],
    ['two lengths', answer('HTTP/1.1 200 OK', 'content-length: 5', 'content-length: 5', '', 'hello')],
    ['a list of lengths', answer('HTTP/1.1 200 OK', 'content-length: 5, 5', '', 'hello')],
    ['a negative length', answer('HTTP/1.1 200 OK', 'content-length: -5', '', 'hello')],
    ['a length with a sign', answer('HTTP/1.1 200 OK', 'content-length: +5', '', 'hello')],
    ['an empty length', answer('HTTP/1.1 200 OK', 'content-length:', '', 'hello')],
    ['a length beside chunks', answer('HTTP/1.1 200 OK', 'content-length: 5', 'transfer-encoding: chunked', '', '0', '', '')],
    ['another transfer coding', answer('HTTP/1.1 200 OK', 'transfer-encoding: gzip, chunked', '', '0', '', '')],
    ['a transfer coding that is not the last', answer('HTTP/1.1 200 OK', 'transfer-encoding: chunked, identity', '', '0', '', '')],
    ['two chunked codings', answer('HTTP/1.1 200 OK', 'transfer-encoding: chunked', 'transfer-encoding: chunked', '', '0', '', '')],
    ['a head without an end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}`],
    ['a head that is too large', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`],
  ])('refuses %s', (_, text) => {
    expect(readText(text)).toMatchObject({ status: undefined, end: 'bad' });
  });

  it.each([
    ['no size', '\r\nhello'],
    ['a size that is no number', '5g\r\nhello'],
    ['a prefix before the size', '0x5\r\nhello'],
    ['a negative size', '-5\r\nhello'],
    ['a size beyond all measure', 'fffffffffffff\r\n'],
    ['a bare line feed after the size', '5\nhello\r\n'],
    ['a bare line feed in an extension', '5;a\nhello\r\n'],
    ['data that is longer than its size', '5\r\nhello!\r\n'],
    ['no line feed after the data', '5\r\nhello\rx'],
    ['extensions without an end', `5;${'x'.repeat(20_000)}`],
    ['trailers without an end', `0\r\n${'x: y\r\n'.repeat(5_000)}`],
  ])('refuses a chunk with %s', (_, chunk) => {
    expect(readText(answer('HTTP/1.1 200 OK', 'transfer-encoding: chunked', '', chunk))).toMatchObject({ status: 200, end: 'bad' });
  });

  it('quotes nothing of an answer that it refuses', () => {
    const reader = new HttpAnswerReader();
    reader.expect({ head: () => {}, data: () => {} }, false);
    expect(() => reader.push(Buffer.from('HTTP/1.1 200 OK\r\nsecret canary\r\n\r\n'))).toThrow(/^(?!.*canary).*header line/);
  });

  it('reads the same wherever the bytes are cut, and whatever stands in the answer', () => {
    const size = fc.nat(40).map((bytes) => `${bytes.toString(16)}\r\n${'d'.repeat(bytes)}\r\n`);
    const line = fc.constantFrom('x-a: b', 'content-length: 7', 'transfer-encoding: chunked', 'connection: close', 'x-b:', ' folded', '\n');
    const first = fc.constantFrom(
      'HTTP/1.1 200 OK',
      'HTTP/1.0 404 Not Found',
      'HTTP/1.1 100 Continue',
      'HTTP/1.1 204 No Content',
      'HTTP/3',
    );
    const part = fc.oneof(
      { weight: 3, arbitrary: fc.tuple(first, fc.array(line, { maxLength: 3 })).map(([one, more]) => answer(one, ...more, '', '')) },
      { weight: 3, arbitrary: size },
      { weight: 1, arbitrary: fc.constantFrom('0\r\n\r\n', '\r\n', 'x', PLAIN, CHUNKED) },
    );
    const texts = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(texts, fc.array(fc.nat(2_000), { maxLength: 12 }), fc.boolean(), (text, places, isToHead) => {
        expect(read(cut(text, places), isToHead)).toEqual(readText(text, isToHead));
      }),
      { numRuns: 2_000 },
    );
  });
});
