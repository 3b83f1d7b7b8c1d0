import { connect } from 'node:net';
import { Logger } from '#libs/runtime';
import OpenAI from 'openai';
import { afterEach, describe, expect, it } from 'vitest';
import { startModelServer } from './app.js';
import { GARBAGE } from './out/stream-answer.js';
import type { ModelServerSettings } from './settings.js';

const FAST: ModelServerSettings = {
  host: '127.0.0.1',
  port: 0,
  logLevel: 'error',
  apiToken: undefined,
  modelNames: ['tiny', 'org/big'],
  ttftMs: 0,
  tokensPerSecond: 1e6,
  jitter: 0.2,
  seed: 1,
  capacity: 0,
};
const HELLO = { model: 'tiny', messages: [{ role: 'user' as const, content: 'hello' }], max_tokens: 6 };

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(settings: Partial<ModelServerSettings> = {}): Promise<string> {
  const app = await startModelServer({ ...FAST, ...settings }, new Logger('test', 'error'));
  cleanups.push(() => app.drain());
  return app.url;
}

async function post(url: string, path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
}

async function stats(url: string): Promise<Record<string, number>> {
  return (await (await fetch(`${url}/stats`)).json()) as Record<string, number>;
}

/** Polls until `condition` holds, for at most 5 s. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('the condition did not come true within 5 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

interface RawAnswer {
  readonly head: string;
  readonly body: Buffer;
  /** `end`: closed in good order; else the error's code. */
  readonly how: string;
}

/** One exchange over a bare socket that the server is to close (`connection: close`). */
async function raw(url: string, body: object, headers: Record<string, string> = {}): Promise<RawAnswer> {
  const { port } = new URL(url);
  const text = JSON.stringify(body);
  const lines = ['POST /v1/chat/completions HTTP/1.1', 'host: x', 'connection: close', 'content-type: application/json'];
  const extra = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write([...lines, ...extra, `content-length: ${Buffer.byteLength(text)}`, '', text].join('\r\n'));
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  const how = await new Promise<string>((resolve) => {
    socket.once('end', () => resolve('end'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  const bytes = Buffer.concat(chunks);
  const split = bytes.indexOf('\r\n\r\n');
  return { head: bytes.subarray(0, Math.max(split, 0)).toString(), body: split < 0 ? bytes : bytes.subarray(split + 4), how };
}

function framesIn(text: string): string[] {
  return text.split('\n\n').flatMap((part) => /^data: (.*)$/m.exec(part)?.[1] ?? []);
}

describe('with the openai client', () => {
  it('streams, with usage in one last chunk where it is asked for', async () => {
    const client = new OpenAI({ baseURL: `${await start()}/v1`, apiKey: 'x' });
    const stream = await client.chat.completions.create({ ...HELLO, stream: true, stream_options: { include_usage: true } });
    const chunks = await all(stream);
    const plain = await client.chat.completions.create(HELLO);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(plain.choices[0]!.message.content);
    expect(chunks.at(-1)!.usage).toMatchObject({ completion_tokens: 6, prompt_tokens: plain.usage!.prompt_tokens });
    expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe('length');
  });

  it('streams without usage where it is not', async () => {
    const client = new OpenAI({ baseURL: `${await start()}/v1`, apiKey: 'x' });
    const chunks = await all(await client.chat.completions.create({ ...HELLO, stream: true }));
    expect(chunks.some((chunk) => 'usage' in chunk)).toBe(false);
  });

  it('gives n choices, legacy completions, embeddings and models', async () => {
    const client = new OpenAI({ baseURL: `${await start()}/v1`, apiKey: 'x' });
    const two = await client.chat.completions.create({ ...HELLO, n: 2 });
    expect([two.choices.length, two.usage!.completion_tokens]).toEqual([2, 12]);
    const completion = await client.completions.create({ model: 'org/big', prompt: ['one', 'two'], max_tokens: 3 });
    expect([completion.choices.length, completion.usage!.completion_tokens, completion.model]).toEqual([2, 6, 'org/big']);
    const embeddings = await client.embeddings.create({ model: 'tiny', input: ['a', 'b', 'a'] });
    const [first, second, third] = embeddings.data.map(({ embedding }) => embedding);
    expect(Math.hypot(...first!)).toBeCloseTo(1, 5);
    expect(third).toEqual(first);
    expect(second).not.toEqual(first);
    expect((await all(client.models.list())).map(({ id }) => id)).toEqual(['tiny', 'org/big']);
    expect((await client.models.retrieve('org/big')).id).toBe('org/big');
    await expect(client.models.retrieve('none')).rejects.toMatchObject({ status: 404 });
  });
});

describe('determinism', () => {
  it.each([{ stream: false }, { stream: true }])('answers the same body twice with the same bytes, %j', async (fields) => {
    const url = await start();
    const bodies = await Promise.all([0, 1].map(async () => (await post(url, '/v1/chat/completions', { ...HELLO, ...fields })).text()));
    expect(bodies[0]).toBe(bodies[1]);
    expect(bodies[0]).toContain('chatcmpl-');
  });

  it('answers the same on another server with the same seed only', async () => {
    const [a, b, other] = await Promise.all([start(), start(), start({ seed: 2 })]);
    const texts = await Promise.all([a, b, other].map(async (url) => (await post(url, '/v1/chat/completions', HELLO)).text()));
    expect(texts[1]).toBe(texts[0]);
    expect(texts[2]).not.toBe(texts[0]);
  });

  it('makes the client’s request id the completion’s', async () => {
    const url = await start();
    const chat = (await (await post(url, '/v1/chat/completions', HELLO, { 'x-request-id': 'mine-1' })).json()) as { id: string };
    const text = (await (await post(url, '/v1/completions', { prompt: 'x' }, { 'x-request-id': 'mine-2' })).json()) as { id: string };
    expect([chat.id, text.id]).toEqual(['chatcmpl-mine-1', 'cmpl-mine-2']);
  });
});

describe('faults', () => {
  const STREAM = { ...HELLO, stream: true };

  it('refuse: the connection is reset before any answer', async () => {
    expect(await raw(await start(), STREAM, { 'x-fault': 'refuse' })).toMatchObject({ head: '', how: 'ECONNRESET' });
  });

  it('hang: silence before the head, until the client goes', async () => {
    const url = await start();
    const controller = new AbortController();
    const hanging = fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-fault': 'hang' },
      body: JSON.stringify(HELLO),
      signal: controller.signal,
    });
    await until(async () => (await stats(url))['running'] === 1);
    controller.abort();
    await expect(hanging).rejects.toThrow('aborted');
    await until(async () => (await stats(url))['aborted'] === 1);
    expect(await stats(url)).toMatchObject({ running: 0, finished: 0 });
  });

  it('hang;after_chunks: so many frames, then silence', async () => {
    const url = await start();
    const response = await post(url, '/v1/chat/completions', STREAM, { 'x-fault': 'hang;after_chunks=2' });
    const reader = response.body!.getReader();
    let text = '';
    while (framesIn(text).length < 2) text += Buffer.from((await reader.read()).value!).toString();
    expect(await stats(url)).toMatchObject({ running: 1, finished: 0 });
    await reader.cancel();
    await until(async () => (await stats(url))['aborted'] === 1);
    expect(framesIn(text)).toHaveLength(2);
  });

  it('reset: a TCP reset in mid-stream, and in the middle of a plain body', async () => {
    const url = await start();
    const stream = await raw(url, STREAM, { 'x-fault': 'reset;after_chunks=4' });
    expect([stream.how, framesIn(stream.body.toString()).length]).toEqual(['ECONNRESET', 4]);
    const plain = await raw(url, HELLO, { 'x-fault': 'reset' });
    const promised = Number(/content-length: (\d+)/i.exec(plain.head)![1]);
    expect([plain.how, plain.body.length]).toEqual(['ECONNRESET', promised >> 1]);
  });

  it('truncate: a clean end without [DONE], and a plain body that is shorter than promised', async () => {
    const url = await start();
    const stream = await raw(url, STREAM, { 'x-fault': 'truncate;after_chunks=3' });
    expect([stream.how, framesIn(stream.body.toString()).length]).toEqual(['end', 3]);
    expect(stream.body.toString()).toMatch(/0\r\n\r\n$/);
    const plain = await raw(url, HELLO, { 'x-fault': 'truncate' });
    const promised = Number(/content-length: (\d+)/i.exec(plain.head)![1]);
    expect([plain.how, plain.body.length]).toEqual(['end', promised >> 1]);
  });

  it('garbage: frames, then what is no event, and a JSON answer that is none', async () => {
    const url = await start();
    const stream = Buffer.from(await (await post(url, '/v1/chat/completions', STREAM, { 'x-fault': 'garbage' })).arrayBuffer());
    expect(stream.subarray(-GARBAGE.length)).toEqual(GARBAGE);
    expect(stream.includes('[DONE]')).toBe(false);
    const plain = await post(url, '/v1/chat/completions', HELLO, { 'x-fault': 'garbage' });
    expect([plain.status, plain.headers.get('content-type')]).toEqual([200, 'application/json']);
    await expect(plain.json()).rejects.toThrow(SyntaxError);
  });

  it('slow: everything takes so many times as long', async () => {
    const url = await start({ ttftMs: 30, jitter: 0 });
    const begin = performance.now();
    await (await post(url, '/v1/chat/completions', HELLO, { 'x-fault': 'slow;factor=8' })).text();
    expect(performance.now() - begin).toBeGreaterThanOrEqual(239);
  });

  it('500 and 429: error bodies, the latter with Retry-After', async () => {
    const url = await start();
    const broken = await post(url, '/v1/chat/completions', STREAM, { 'x-fault': '500' });
    expect([broken.status, await broken.json()]).toMatchObject([500, { error: { type: 'InternalServerError', code: 500 } }]);
    const limited = await post(url, '/v1/completions', { prompt: 'x' }, { 'x-fault': '429' });
    expect([limited.status, limited.headers.get('retry-after'), await limited.json()]).toMatchObject([429, '1', { error: { code: 429 } }]);
  });

  it('no_usage: neither in a plain answer nor in a stream that asks for it', async () => {
    const url = await start();
    const plain = await (await post(url, '/v1/chat/completions', HELLO, { 'x-fault': 'no_usage' })).json();
    expect(plain).not.toHaveProperty('usage');
    const options = { include_usage: true, continuous_usage_stats: true };
    const stream = await (
      await post(url, '/v1/chat/completions', { ...STREAM, stream_options: options }, { 'x-fault': 'no_usage' })
    ).text();
    expect(stream).not.toContain('"usage"');
    expect(stream).toContain('[DONE]');
    expect(await stats(url)).toMatchObject({ finished: 2, faulted: 0 });
  });

  it('error_frame: an error event, then a clean end', async () => {
    const url = await start();
    const text = await (await post(url, '/v1/chat/completions', STREAM, { 'x-fault': 'error_frame;after_chunks=2' })).text();
    const frames = framesIn(text);
    expect(frames.slice(2)).toEqual([expect.stringContaining('{"error":{'), '[DONE]']);
    const plain = await post(url, '/v1/chat/completions', HELLO, { 'x-fault': 'error_frame' });
    expect(plain.status).toBe(500);
  });

  it('strike by rule until the rule is deleted; a header goes first, and so does a field in the metadata', async () => {
    const url = await start();
    const send = async (body: object = HELLO, headers = {}) => (await post(url, '/v1/chat/completions', body, headers)).status;
    const put = await fetch(`${url}/faults`, { method: 'PUT', body: JSON.stringify({ fault: '500', model: 'tiny', count: 2 }) });
    expect([put.status, await put.json()]).toEqual([200, { fault: '500', ratio: 1, count: 2, model: 'tiny', struck: 0 }]);
    expect([await send({ ...HELLO, model: 'org/big' }), await send(HELLO, { 'x-fault': 'none' })]).toEqual([200, 200]);
    expect([await send(), await send(), await send()]).toEqual([500, 500, 200]);
    expect(await (await fetch(`${url}/faults`)).json()).toMatchObject({ struck: 2 });
    await fetch(`${url}/faults`, { method: 'DELETE' });
    expect(await (await fetch(`${url}/faults`)).json()).toEqual({ fault: 'none', ratio: 1, struck: 0 });
    expect(await send({ ...HELLO, metadata: { 'x-fault': '429' } })).toBe(429);
    expect(await send(HELLO, { 'x-fault': 'nonsense' })).toBe(400);
  });

  it.each(['{', '{"fault":"x"}', '[]', ''])('PUT /faults refuses %j', async (body) => {
    const response = await fetch(`${await start()}/faults`, { method: 'PUT', body });
    expect([response.status, await response.json()]).toMatchObject([400, { error: { message: expect.any(String) } }]);
  });
});

describe('a client that goes', () => {
  it('frees its generation at once, streamed or not, and nothing leaks', async () => {
    const url = await start({ ttftMs: 20, tokensPerSecond: 5, jitter: 0 });
    const controllers = Array.from({ length: 20 }, () => new AbortController());
    const requests = controllers.map(async ({ signal }, index) => {
      const body = JSON.stringify({ ...HELLO, max_tokens: 500, ignore_eos: true, stream: index % 2 === 0, seed: index });
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body, signal });
      return response.text();
    });
    const settled = Promise.allSettled(requests);
    await until(async () => (await stats(url))['running'] === 20);
    for (const controller of controllers) controller.abort();
    await settled;
    await until(async () => (await stats(url))['running'] === 0);
    expect(await stats(url)).toEqual({ running: 0, started: 20, finished: 0, aborted: 20, faulted: 0 });
  });

  it('and one that does not read holds only itself up', async () => {
    const url = await start();
    const body = JSON.stringify({ ...HELLO, max_tokens: 30_000, ignore_eos: true, stream: true, n: 8 });
    const idle = connect(Number(new URL(url).port), '127.0.0.1');
    idle.pause();
    idle.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await until(async () => (await stats(url))['running'] === 1);
    expect((await post(url, '/v1/chat/completions', HELLO)).status).toBe(200);
    expect(await stats(url)).toMatchObject({ running: 1, finished: 1 });
    idle.destroy();
    await until(async () => (await stats(url))['running'] === 0);
    expect(await stats(url)).toMatchObject({ aborted: 1 });
  });
});

describe('the server', () => {
  it('slows down beyond its capacity', async () => {
    const url = await start({ ttftMs: 40, jitter: 0, capacity: 2 });
    const begin = performance.now();
    const hanging = new AbortController();
    const others = Array.from({ length: 7 }, () =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-fault': 'hang' },
        body: JSON.stringify(HELLO),
        signal: hanging.signal,
      }),
    );
    const settled = Promise.allSettled(others);
    await until(async () => (await stats(url))['running'] === 7);
    const loaded = performance.now();
    await (await post(url, '/v1/chat/completions', HELLO)).text();
    expect(performance.now() - loaded).toBeGreaterThanOrEqual(159);
    expect(loaded).toBeGreaterThan(begin);
    hanging.abort();
    await settled;
  });

  it('streams many thousand tokens at once when there is no pace to keep', async () => {
    const text = await (
      await post(await start(), '/v1/completions', { prompt: 'x', max_tokens: 20_000, ignore_eos: true, stream: true })
    ).text();
    expect(framesIn(text)).toHaveLength(20_002);
  });

  it('asks for the token on its control routes, if it has one, and never on the others', async () => {
    const url = await start({ apiToken: 'secret' });
    expect((await fetch(`${url}/stats`)).status).toBe(401);
    expect((await fetch(`${url}/faults`, { method: 'PUT', body: '{"fault":"500"}' })).status).toBe(401);
    expect((await fetch(`${url}/faults`, { method: 'DELETE' })).status).toBe(401);
    expect((await fetch(`${url}/faults`)).status).toBe(401);
    expect((await fetch(`${url}/stats`, { headers: { authorization: 'Bearer secret' } })).status).toBe(200);
    expect([(await fetch(`${url}/health`)).status, (await post(url, '/v1/chat/completions', HELLO)).status]).toEqual([200, 200]);
  });

  it('finishes what runs before it ends', async () => {
    const app = await startModelServer({ ...FAST, ttftMs: 50, tokensPerSecond: 50 }, new Logger('test', 'error'));
    const answer = post(app.url, '/v1/chat/completions', { ...HELLO, stream: true }).then((response) => response.text());
    await until(async () => (await stats(app.url))['running'] === 1);
    await app.drain();
    expect(await answer).toContain('[DONE]');
    await expect(fetch(`${app.url}/health`)).rejects.toThrow('fetch failed');
  });

  it('says in one line that its port is in use', async () => {
    const url = await start();
    const second = startModelServer({ ...FAST, port: Number(new URL(url).port) }, new Logger('test', 'error'));
    await expect(second).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining('already in use') });
  });
});
