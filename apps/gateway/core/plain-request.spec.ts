import { describe, expect, it } from 'vitest';
import { readPlainHead } from './plain-request.js';

const FIELDS = ['Host: example.org:8000', 'Content-Length: 2', 'X-Padded: \t a b\t ', 'x-empty:'];

function read(lines: readonly string[]): ReturnType<typeof readPlainHead> {
  return readPlainHead(Buffer.from([...lines, '', '{}'].join('\r\n'), 'latin1'));
}

function withField(field: string): ReturnType<typeof readPlainHead> {
  return read(['POST /v1/x HTTP/1.1', ...FIELDS, field]);
}

it('reads a plain head', () => {
  expect(read(['POST /v1/x?a=%20b HTTP/1.1', ...FIELDS])).toEqual({
    target: '/v1/x?a=%20b',
    headers: { host: 'example.org:8000', 'content-length': '2', 'x-padded': 'a b', 'x-empty': '' },
    bodyAt: 102,
    contentLength: 2,
    isLast: false,
  });
});

it.each([
  ['keep-alive', false],
  ['Keep-Alive', false],
  ['close', true],
  ['CLOSE', true],
])('connection: %s', (value, isLast) => {
  expect(withField(`Connection: ${value}`)).toMatchObject({ isLast });
});

describe('leaves to others', () => {
  it.each([
    'connection: keep-alive, x',
    'connection: upgrade',
    'transfer-encoding: chunked',
    'expect: 100-continue',
    'upgrade: h2c',
    'proxy-connection: close',
    'te: trailers',
    'trailer: x',
    'host: other',
    'content-length: 2',
    'x-empty: twice',
    'constructor: x',
    '__proto__: x',
    ' folded: line',
    'spaced : name',
    'no colon',
    ': no name',
    'x-high: caf\xe9',
    'x-low: \x01',
    'x-feed: a\nb: c',
    'x-return: a\rb: c',
  ])('%j', (field) => {
    expect(withField('x-other: value')).toBeDefined();
    expect(withField(field)).toBeUndefined();
  });

  it.each([
    'GET /v1/x HTTP/1.1',
    'POST /v1/x HTTP/1.0',
    'POST v1/x HTTP/1.1',
    'POST /v1/x#y HTTP/1.1',
    'POST  /v1/x HTTP/1.1',
    'POST http://a/v1/x HTTP/1.1',
    '',
  ])('%j', (line) => {
    expect(read([line, ...FIELDS])).toBeUndefined();
  });

  it.each(['', '+2', '-2', '2.0', '0x2', '2, 2', '1'.repeat(13)])('a length of %j', (length) => {
    expect(read(['POST /v1/x HTTP/1.1', 'host: x', `content-length: ${length}`])).toBeUndefined();
  });

  it('what has no host, no length or no end, and what is long', () => {
    expect(read(['POST /v1/x HTTP/1.1', 'content-length: 2'])).toBeUndefined();
    expect(read(['POST /v1/x HTTP/1.1', 'host: x'])).toBeUndefined();
    expect(readPlainHead(Buffer.from(['POST /v1/x HTTP/1.1', ...FIELDS].join('\r\n')))).toBeUndefined();
    expect(withField(`x: ${'y'.repeat(8_000)}`)).toBeDefined();
    expect(withField(`x: ${'y'.repeat(8_200)}`)).toBeUndefined();
  });
});
