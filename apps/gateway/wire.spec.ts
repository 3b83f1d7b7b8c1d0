import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerJson, chatChunk, DONE, ScriptedUpstream, startStream, streamWords } from './scripted-upstream.fixture.js';
import { chatBody, TestGateway, until } from './test-gateway.fixture.js';
import { NODES_WAY, Wire } from './wire.fixture.js';

let upstream: ScriptedUpstream;
let gateway: TestGateway;
let wires: Wire[];

beforeEach(async () => {
  wires = [];
  upstream = await ScriptedUpstream.start();
  gateway = await TestGateway.start(upstream.url, { MAX_BODY_BYTES: '2000' });
});

afterEach(async () => {
  for (const wire of wires) wire.hangUp();
  await gateway.drain();
  await gateway.close();
  await upstream.close();
});

/** Hangs up after the test, if not before. */
function connect(): Wire {
  const wire = new Wire(gateway.url);
  wires.push(wire);
  return wire;
}

function post(body: string, headers = '', path = '/v1/chat/completions'): string {
  return `POST ${path} HTTP/1.1\r\nhost: x\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function bodyOf(answer: string): unknown {
  return JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
}

describe('what is not a request', () => {
  it.each([
    ['garbage', 'garbage\r\n\r\n', 400, 'bad_request'],
    ['an unknown method', 'BREW /v1/models HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'bad_request'],
    ['another protocol', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'bad_request'],
    ['a path that cannot be decoded', 'GET /v1/%zz HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'bad_request'],
    [
      'two framings',
      'POST /v1/score HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n',
      400,
      'bad_request',
    ],
    ['no host', 'GET /health HTTP/1.1\r\n\r\n', 400, 'bad_request'],
    ['headers without end', `GET /health HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
    ['an odd expectation', 'GET /health HTTP/1.1\r\nhost: x\r\nexpect: tea\r\n\r\n', 417, 'expectation_failed'],
  ])('%s: an error in the shape of OpenAI, and the end of the connection', async (_what, text, status, code) => {
    const answer = await connect().send(text).closes();
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*connection: close`));
    expect(bodyOf(answer)).toEqual({ error: { message: expect.any(String) as string, type: 'invalid_request_error', code, param: null } });
    expect(gateway.ofType('io.inferometer.request.received.v1')).toEqual([]);
    expect(upstream.seen).toEqual([]);
  });

  it('is never answered within an answer that has begun', async () => {
    const end = Promise.withResolvers<void>();
    upstream.script = (_request, response) => {
      startStream(response);
      response.write(chatChunk({ content: 'x' }));
      void end.promise.then(() => response.end(DONE));
    };
    const wire = connect().send(post(chatBody({ stream: true })));
    await wire.receives(/"content":"x"/);
    wire.send('garbage\r\n\r\n');
    end.resolve();
    expect(await wire.closes()).toMatch(/\[DONE\]\s+0\r\n\r\nHTTP\/1.1 400 Bad Request\r\n/);
    await gateway.completed();
  });

  it("ends an answer that Node's server has begun", async () => {
    upstream.script = (_request, response) => {
      startStream(response);
      response.write(chatChunk({ content: 'x' }));
    };
    const wire = connect().send(post(chatBody({ stream: true }), NODES_WAY));
    await wire.receives(/"content":"x"/);
    const answer = await wire.send('garbage\r\n\r\n').closes();
    expect(answer).not.toContain('400 Bad Request');
    expect(await gateway.cancelled()).toMatchObject({ phase: 'streaming' });
  });
});

describe('bytes that two servers might take for different requests', () => {
  const body = chatBody();
  const framed = (headers: string, payload = body) => `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n${headers}\r\n\r\n${payload}`;
  const length = `content-length: ${body.length}`;
  const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

  it.each([
    ['a length and chunks', framed(`${length}\r\ntransfer-encoding: chunked`, chunked)],
    ['chunks and a length', framed(`transfer-encoding: chunked\r\n${length}`, chunked)],
    ['two lengths', framed(`${length}\r\ncontent-length: 5`)],
    ['one length twice', framed(`${length}\r\n${length}`)],
    ['a list of lengths', framed(`${length}, ${body.length}`)],
    ['a signed length', framed(`content-length: +${body.length}`)],
    ['a hexadecimal length', framed(`content-length: 0x${body.length.toString(16)}`)],
    ['a negative length', framed('content-length: -1')],
    ['a length with a gap', framed('content-length: 5 0')],
    ['a space before the colon', framed(`content-length : ${body.length}`)],
    ['a coding after chunks', framed('transfer-encoding: chunked, identity', chunked)],
    ['a coding that is none', framed('transfer-encoding: xchunked', chunked)],
    ['a coding with a control character', framed('transfer-encoding: \x0bchunked', chunked)],
    ['two codings', framed('transfer-encoding: chunked\r\ntransfer-encoding: identity', chunked)],
    ['a line feed alone', framed(length).replaceAll('\r\n', '\n')],
    ['a carriage return alone', framed(`x: 1\r${length}`)],
    ['a NUL in a header', framed(`${length}\r\nx: a\0b`)],
    ['a length in the trailer', framed('transfer-encoding: chunked', chunked.replace(/\r\n\r\n$/, '\r\ncontent-length: 9\r\n\r\n'))],
    ['a chunk of no size', framed('transfer-encoding: chunked', `x\r\n${body}\r\n0\r\n\r\n`)],
    ['a chunk of a negative size', framed('transfer-encoding: chunked', `-1\r\n${body}\r\n0\r\n\r\n`)],
    ['a chunk that is longer than its size', framed('transfer-encoding: chunked', `1\r\n${body}\r\n0\r\n\r\n`)],
    ['a chunk size line with a line feed alone', framed('transfer-encoding: chunked', chunked.replace('\r\n', '\n'))],
  ])('%s: are refused', async (_what, text) => {
    const answer = await connect().send(text).closes();
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(upstream.seen).toEqual([]);
  });

  it.each([
    ['chunks with an extension', framed('transfer-encoding: chunked', chunked.replace('\r\n', ';a="b"\r\n'))],
    ['chunks with a trailer', framed('transfer-encoding: chunked', chunked.replace(/\r\n\r\n$/, '\r\nx-other: 9\r\n\r\n'))],
    ['a connection header that names the length', framed(`connection: content-length\r\n${length}`)],
    ['a connection header that names the host', framed(`connection: host, content-type\r\n${length}`)],
    ['an absolute target', framed(length).replace('/v1', 'http://other.example/v1')],
  ])('%s: go up as one plain request', async (_what, text) => {
    upstream.script = answerJson({ fine: true });
    await connect()
      .send(text)
      .receives(/"fine":true/);
    expect(upstream.seen).toHaveLength(1);
    const { url, headers, body: seen } = upstream.seen[0]!;
    expect([url, seen.toString()]).toEqual(['/v1/chat/completions', body]);
    expect(headers).toMatchObject({ host: new URL(upstream.url).host, 'content-length': String(body.length) });
    expect(headers).not.toHaveProperty('transfer-encoding');
    await gateway.completed();
  });

  it('more bytes than announced are a request of their own', async () => {
    upstream.script = answerJson({ fine: true });
    const answer = await connect()
      .send(`${framed(length)}GET /admin HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)
      .closes();
    expect(answer).toMatch(/"fine":true[^]*HTTP\/1.1 404 [^]*There is no GET \/admin/);
    expect(upstream.seen).toHaveLength(1);
  });
});

describe('HEAD', () => {
  it.each(['/health', '/stats', '/v1/models'])('%s: the head alone, of the same length', async (path) => {
    upstream.script = (request, response) => answerJson({ data: [] })(request, response);
    const got = await connect().send(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`).closes();
    const head = await connect().send(`HEAD ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`).closes();
    expect(head).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\n$/);
    expect(/content-length: \d/.exec(head)?.[0]).toBe(/content-length: \d/.exec(got)?.[0]);
  });

  it('of an inference route is not there', async () => {
    const head = await connect().send('HEAD /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n').closes();
    expect(head).toMatch(/^HTTP\/1.1 404 [^]*\r\n\r\n$/);
  });
});

describe('Expect: 100-continue', () => {
  it('is granted, and the body taken', async () => {
    upstream.script = answerJson({ choices: [] });
    const body = chatBody();
    const wire = connect().send(post('', 'expect: 100-continue\r\n').replace('content-length: 0', `content-length: ${body.length}`));
    await wire.receives(/^HTTP\/1.1 100 Continue\r\n\r\n$/);
    expect(await wire.send(body).receives(/"choices":\[\]/)).toMatch(/100 Continue\r\n\r\nHTTP\/1.1 200 OK/);
    expect(upstream.seen[0]!.body.toString()).toBe(body);
    expect(upstream.seen[0]!.headers).not.toHaveProperty('expect');
  });

  it('is refused where the body would be too large, which is then not sent', async () => {
    const head = post('', 'expect: 100-continue\r\n').replace('content-length: 0', 'content-length: 2001');
    const answer = await connect()
      .send(head)
      .receives(/2000 bytes are allowed/);
    expect(answer).toMatch(/^HTTP\/1.1 413 [^]*connection: close/);
    expect(await gateway.failed()).toMatchObject({ error_type: 'invalid_request', status_code: 413 });
  });
});

describe('requests in a row, before the first is answered', () => {
  it('are answered in order, whichever ends first', async () => {
    const first = Promise.withResolvers<void>();
    upstream.script = (request, response) => {
      if (request.headers['x-request-id'] === 'first') void first.promise.then(() => streamWords('one')(request, response));
      else answerJson({ two: 2 })(request, response);
    };
    const wire = connect().send(post(chatBody({ stream: true }), 'x-request-id: first\r\n') + post(chatBody(), 'x-request-id: second\r\n'));
    await until(
      () => upstream.seen.length === 2 && upstream.inside === 1,
      () => 'the second to be answered',
    );
    expect(wire.received).toBe('');
    first.resolve();
    expect(await wire.receives(/"two":2/)).toMatch(/x-request-id: first[^]*"one"[^]*\[DONE\][^]*x-request-id: second[^]*"two":2/);
    expect(await gateway.terminals(2)).toHaveLength(2);
  });

  it('are all given up when the client hangs up', async () => {
    upstream.script = (_request, response) => {
      startStream(response);
      response.write(chatChunk({ content: 'x' }));
    };
    const body = chatBody({ stream: true });
    const wire = connect().send(post(body, 'x-request-id: first\r\n') + post(body, 'x-request-id: second\r\n'));
    await wire.receives(/"content":"x"/);
    await until(
      () => upstream.inside === 2,
      () => 'both to arrive',
    );
    wire.hangUp();
    await gateway.terminals(2);
    expect(['first', 'second'].map((id) => gateway.lifecycle(id).at(-1))).toEqual(['cancelled', 'cancelled']);
    expect(upstream.inside).toBe(0);
  });
});

describe('paths', () => {
  it('may be escaped: they go up in the spelling of the route', async () => {
    upstream.script = answerJson({});
    await connect()
      .send(post(chatBody(), '', '/v1/ch%61t/completions'))
      .receives(/200 OK/);
    expect(upstream.seen[0]!.url).toBe('/v1/chat/completions');
    expect(await gateway.completed()).toMatchObject({ operation: 'chat' });
  });
});

describe('an answer whose length is known', () => {
  it.each([1, 256, 8_192, 8_193, 40_000])('passes byte for byte: %i bytes of every value', async (length) => {
    const body = Buffer.from(Array.from({ length }, (_none, at) => 255 - (at % 256)));
    upstream.script = (_request, response) =>
      void response.writeHead(200, { 'content-type': 'application/json', 'content-length': length, 'x-name': 'é' }).end(body);
    const wire = connect().send(post(chatBody()));
    const answer = await wire.receives(new RegExp(`\\r\\n\\r\\n[^]{${length}}`));
    expect(answer).toMatch(/x-name: é\r\n/i);
    expect(Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1').equals(body)).toBe(true);
  });
});
