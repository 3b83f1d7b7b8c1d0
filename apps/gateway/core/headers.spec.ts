import { describe, expect, it } from 'vitest';
import { answerHeaders, outgoingHeaders } from './headers.js';

/** The names and values of a flat list, in which no name may stand twice. */
function asObject(flat: readonly string[]): object {
  const names = flat.filter((_text, index) => index % 2 === 0);
  expect(new Set(names).size).toBe(names.length);
  return Object.fromEntries(names.map((name, index) => [name, flat[index * 2 + 1]]));
}

describe('outgoingHeaders', () => {
  const incoming = {
    host: 'gateway',
    cookie: 'session=1',
    connection: 'keep-alive',
    'x-forwarded-for': '10.0.0.1',
    'accept-encoding': 'gzip, br',
    authorization: 'Bearer client',
    'x-api-key': 'client',
    'content-type': 'application/json',
    'content-length': '5',
  };

  it('lets through what is listed, and asks for plain bytes', () => {
    expect(asObject(outgoingHeaders(incoming, { requestId: 'r1', apiKey: undefined }))).toEqual({
      'accept-encoding': 'identity',
      'x-request-id': 'r1',
      authorization: 'Bearer client',
      'content-type': 'application/json',
      'x-api-key': 'client',
    });
  });

  it("puts the upstream's key in place of the client's", () => {
    expect(asObject(outgoingHeaders(incoming, { requestId: 'r1', apiKey: 'K' }))).toEqual({
      'accept-encoding': 'identity',
      'x-request-id': 'r1',
      authorization: 'Bearer K',
      'content-type': 'application/json',
    });
  });
});

describe('answerHeaders', () => {
  const options = { requestId: 'r1', dropLength: false };

  it('keeps order and spelling, and drops what belongs to the connection', () => {
    const upstream = [
      'Server',
      'x',
      'Connection',
      'close, X-Hop',
      'X-Hop',
      '1',
      'Transfer-Encoding',
      'chunked',
      'Set-Cookie',
      'a',
      'Set-Cookie',
      'b',
    ];
    expect(answerHeaders(upstream, options)).toEqual(['Server', 'x', 'Set-Cookie', 'a', 'Set-Cookie', 'b', 'x-request-id', 'r1']);
  });

  it('never drops the length or type because a Connection header asks for it', () => {
    const upstream = ['connection', 'content-length, Content-Type', 'content-length', '5', 'content-type', 't'];
    expect(answerHeaders(upstream, options)).toEqual(['content-length', '5', 'content-type', 't', 'x-request-id', 'r1']);
  });

  it('tells the time in the queue beside what the upstream tells', () => {
    const upstream = ['Server-Timing', 'decode;dur=5'];
    expect(answerHeaders(upstream, { ...options, queueMs: 0.25 })).toEqual([
      ...upstream,
      'x-request-id',
      'r1',
      'server-timing',
      'queue;dur=0.25',
    ]);
  });

  it('replaces the request id, and the length on demand', () => {
    const upstream = ['X-Request-Id', 'theirs', 'Content-Length', '5'];
    expect(answerHeaders(upstream, { requestId: 'r1', dropLength: true })).toEqual(['x-request-id', 'r1']);
  });
});
