import { createConnection } from 'node:net';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerJson, chatChunk, DONE, ScriptedUpstream, startStream, streamWords, usageChunk } from './scripted-upstream.fixture.js';
import { chatBody, dataOf, send, TestGateway, until, type Sent } from './test-gateway.fixture.js';

const TOKEN = chatChunk({ content: 'x' });

let upstream: ScriptedUpstream;
let gateway: TestGateway;
/** The answers that the upstream holds open, in the order of their requests. */
let held: ServerResponse[];

async function start(env: Record<string, string> = {}): Promise<void> {
  gateway = await TestGateway.start(upstream.url, env);
}

function chat(rest: object = { stream: true }, headers: Record<string, string> = {}): Sent {
  const all = { 'content-type': 'application/json', ...headers };
  return send(`${gateway.url}/v1/chat/completions`, { headers: all, body: chatBody(rest) });
}

async function queueOf(): Promise<{ waiting: number; running: number }> {
  const { body } = await send(`${gateway.url}/health`, { method: 'GET' }).answer;
  return (JSON.parse(body.toString()) as { queue: { waiting: number; running: number } }).queue;
}

async function untilQueueIs(waiting: number, running: number): Promise<void> {
  let queue = await queueOf();
  for (let round = 0; round < 500 && (queue.waiting !== waiting || queue.running !== running); round += 1) queue = await queueOf();
  expect(queue).toEqual({ waiting, running });
}

beforeEach(async () => {
  upstream = await ScriptedUpstream.start();
  held = [];
  upstream.script = (_request, response) => {
    held.push(response);
  };
});

afterEach(async () => {
  upstream.script = (_request, response) => response.destroy();
  for (const response of held) response.destroy();
  await gateway.drain();
  await gateway.close();
  await upstream.close();
});

describe('a client that hangs up', () => {
  it('in the queue: its place is free at once, and the upstream never hears of it', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '1', MAX_QUEUE_SIZE: '1' });
    chat();
    await untilQueueIs(0, 1);
    const second = chat();
    await untilQueueIs(1, 1);
    second.hangUp();
    await untilQueueIs(0, 1);
    const cancelled = await gateway.cancelled();
    expect(cancelled).toMatchObject({ phase: 'queued', status_code: 499, usage_source: 'unknown' });
    expect(gateway.lifecycle(cancelled.request_id)).toEqual(['received', 'cancelled']);
    expect(upstream.seen).toHaveLength(1);
  });

  it('before the answer: the upstream is given up', async () => {
    await start();
    const sent = chat();
    await until(
      () => held.length === 1,
      () => 'the request to arrive',
    );
    sent.hangUp();
    await until(
      () => upstream.seen[0]!.aborted,
      () => 'the upstream to be given up',
    );
    expect(await gateway.cancelled()).toMatchObject({ phase: 'before_first_token', chunks: 0, usage_source: 'unknown' });
    await untilQueueIs(0, 0);
  });

  it('within the stream: the upstream is given up, and the tokens so far are told', async () => {
    await start();
    upstream.script = (_request, response) => {
      held.push(response);
      startStream(response);
      response.write(chatChunk({ role: 'assistant', content: '' }) + TOKEN + TOKEN);
    };
    const sent = chat();
    await sent.firstBytes;
    sent.hangUp();
    await until(
      () => upstream.seen[0]!.aborted,
      () => 'the upstream to be given up',
    );
    const cancelled = await gateway.cancelled();
    expect(cancelled).toMatchObject({ phase: 'streaming', chunks: 2, output_tokens: 2, usage_source: 'counted', gaps: [1] });
    expect(cancelled.ttft_ms).toBeLessThanOrEqual(cancelled.duration_ms!);
    await untilQueueIs(0, 0);
  });

  it('within a stream with continuous usage: the exact tokens are told', async () => {
    await start();
    const usage = { prompt_tokens: 5, completion_tokens: 4, total_tokens: 9 };
    upstream.script = (_request, response) => {
      held.push(response);
      startStream(response);
      response.write(TOKEN.replace('"choices"', `"usage":${JSON.stringify(usage)},"choices"`));
    };
    const sent = chat({ stream: true, stream_options: { include_usage: true, continuous_usage_stats: true } });
    await sent.firstBytes;
    sent.hangUp();
    expect(await gateway.cancelled()).toMatchObject({ input_tokens: 5, output_tokens: 4, usage_source: 'upstream', chunks: 1 });
  });

  it('after the last frame but before the end of the body: a success', async () => {
    await start();
    upstream.script = (_request, response) => {
      held.push(response);
      startStream(response);
      response.write(TOKEN + usageChunk(3, 1) + DONE);
    };
    const sent = chat();
    await sent.firstBytes;
    sent.hangUp();
    expect(await gateway.completed()).toMatchObject({ input_tokens: 3, output_tokens: 1, status_code: 200 });
    await untilQueueIs(0, 0);
  });

  it('by closing its half of the connection: taken for gone, as by the engine itself', async () => {
    await start();
    const socket = createConnection(Number(new URL(gateway.url).port), '127.0.0.1');
    const body = chatBody({ stream: true });
    socket.end(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    socket.resume();
    expect(await gateway.cancelled()).toMatchObject({ phase: 'before_first_token' });
  });

  it('by closing its half of the connection where that is allowed: it gets its answer', async () => {
    await start({ CLIENT_HALF_CLOSE: 'waits' });
    const socket = createConnection({ port: Number(new URL(gateway.url).port), host: '127.0.0.1', allowHalfOpen: true });
    const body = chatBody({ stream: true });
    socket.end(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    let read = '';
    socket.on('data', (part: Buffer) => (read += part.toString()));
    await until(
      () => held.length === 1 && socket.writableFinished,
      () => 'the request to arrive',
    );
    streamWords('late')(upstream.seen[0]!, held[0]!);
    expect(await gateway.completed()).toMatchObject({ output_tokens: 1 });
    await until(
      () => read.includes('[DONE]'),
      () => 'the answer',
    );
    socket.destroy();
  });

  it.each(['content-length: 100', 'transfer-encoding: chunked'])('while it sends its body (%s): counted once', async (framing) => {
    await start();
    const socket = createConnection(Number(new URL(gateway.url).port), '127.0.0.1');
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-request-id: early\r\n${framing}\r\n\r\n`;
    await new Promise<void>((resolve) => {
      socket.write(head + (framing.endsWith('chunked') ? '5\r\n{"mod' : '{"mod'), () => resolve());
    });
    socket.destroy();
    expect(await gateway.cancelled()).toMatchObject({ request_id: 'early', phase: 'queued', status_code: 499, model: '' });
    expect(gateway.lifecycle('early')).toEqual(['received', 'cancelled']);
    await untilQueueIs(0, 0);
    expect(upstream.seen).toHaveLength(0);
  });

  it('by not reading its answer: it is dropped after a while, and the upstream was held back', async () => {
    await start({ CLIENT_STALL_TIMEOUT_MS: '800' });
    let written = 0;
    upstream.script = (_request, response) => {
      held.push(response);
      startStream(response);
      const chunk = chatChunk({ content: 'x'.repeat(60_000) });
      const more = (): void => {
        while (!response.destroyed && response.write(chunk)) written += chunk.length;
        written += chunk.length;
        response.once('drain', more);
      };
      more();
    };
    const socket = createConnection(Number(new URL(gateway.url).port), '127.0.0.1');
    socket.pause();
    const body = chatBody({ stream: true });
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    expect(await gateway.cancelled()).toMatchObject({ phase: 'streaming' });
    await until(
      () => upstream.inside === 0,
      () => 'the upstream to be given up',
    );
    expect(written).toBeLessThan(30_000_000);
    socket.destroy();
  });
});

describe('admission', () => {
  it('never lets one more than the limit to the upstream, and serves in order of arrival', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '3', MAX_QUEUE_SIZE: '100' });
    const allAreHere = Promise.withResolvers<void>();
    upstream.script = (request, response) => {
      void allAreHere.promise.then(() => setTimeout(() => streamWords('a', 'b')(request, response), 5));
    };
    const answers = Array.from({ length: 40 }, (_unused, index) => chat({ stream: true }, { 'x-request-id': `r${index}` }).answer);
    await untilQueueIs(37, 3);
    allAreHere.resolve();
    expect((await Promise.all(answers)).every(({ status, complete }) => status === 200 && complete)).toBe(true);
    expect(upstream.peak).toBe(3);
    const order = gateway.ofType('io.inferometer.request.received.v1').map(({ subject }) => subject);
    await gateway.terminals(40);
    const byPartition = Map.groupBy(gateway.ofType('io.inferometer.request.started.v1'), ({ id }) => id.split('/')[2]);
    for (const started of byPartition.values()) {
      const subjects = started.map(({ subject }) => subject);
      expect(subjects).toEqual(order.filter((subject) => subjects.includes(subject)));
    }
    const queued = gateway.ofType('io.inferometer.request.completed.v1').filter(({ data }) => data.queue_ms > 0);
    expect(queued.length).toBe(37);
    for (const { data } of queued) expect(data.ttft_ms).toBeGreaterThan(data.queue_ms);
  });

  it('refuses at once when the queue is full, with the size of the queue', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '1', MAX_QUEUE_SIZE: '1' });
    chat();
    await untilQueueIs(0, 1);
    chat();
    await untilQueueIs(1, 1);
    const refused = await chat().answer;
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1']);
    expect(JSON.parse(refused.body.toString())).toMatchObject({
      error: { type: 'server_error', code: 'queue_full', param: null },
      queue_size: 1,
      max_queue_size: 1,
    });
    const failed = await gateway.failed();
    expect(failed).toMatchObject({ error_type: 'queue_full', status_code: 503, model: 'm', stream: true });
    expect(gateway.lifecycle(failed.request_id)).toEqual(['received', 'failed']);
  });

  it('gives up on those who waited too long', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '1', QUEUE_TIMEOUT_MS: '50' });
    chat();
    await untilQueueIs(0, 1);
    const late = await chat().answer;
    expect([late.status, late.headers['retry-after']]).toEqual([503, '1']);
    expect(await gateway.failed()).toMatchObject({ error_type: 'queue_timeout', status_code: 503 });
    await untilQueueIs(0, 1);
  });
});

describe('admission after a wait', () => {
  it('ends the time limit of the queue', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '1', QUEUE_TIMEOUT_MS: '500' });
    chat();
    await untilQueueIs(0, 1);
    const second = chat();
    await untilQueueIs(1, 1);
    held[0]!.destroy();
    await until(
      () => held.length === 2,
      () => 'the second request to arrive',
    );
    await new Promise((resolve) => setTimeout(resolve, 600));
    streamWords('late')(upstream.seen[1]!, held[1]!);
    expect((await second.answer).status).toBe(200);
  });
});

describe('what is refused before the upstream', () => {
  it.each([
    ['not JSON', '{"model":', 'application/json'],
    ['not an object', '[1]', 'application/json'],
    ['nothing', '', 'application/json'],
  ])('a body that is %s', async (_what, body, contentType) => {
    await start();
    const headers = { 'content-type': contentType, 'x-request-id': 'mine' };
    const { status, headers: answered } = await send(`${gateway.url}/v1/chat/completions`, { headers, body }).answer;
    expect(status).toBe(400);
    expect(answered['x-request-id']).toBe('mine');
    expect(await gateway.failed()).toMatchObject({ error_type: 'invalid_request', status_code: status, model: '', stream: false });
    expect(gateway.lifecycle('mine')).toEqual(['received', 'failed']);
    expect(upstream.seen).toHaveLength(0);
  });

  it.each([{ 'content-length': '600' }, { 'transfer-encoding': 'chunked' }])('a body over the limit, announced by %j', async (framing) => {
    await start({ MAX_BODY_BYTES: '500' });
    const headers = { 'content-type': 'application/json', ...framing } as Record<string, string>;
    const { status, body } = await send(`${gateway.url}/v1/messages`, { headers, body: 'x'.repeat(600) }).answer;
    expect(status).toBe(413);
    expect(JSON.parse(body.toString())).toEqual({
      type: 'error',
      error: { type: 'request_too_large', message: 'The request body is too large: at most 500 bytes are allowed.' },
    });
    expect(await gateway.failed()).toMatchObject({ operation: 'messages', error_type: 'invalid_request', status_code: 413 });
  });
});

it('a media type that is none is for the upstream to judge', async () => {
  await start();
  upstream.script = answerJson({ choices: [] });
  const { status } = await send(`${gateway.url}/v1/chat/completions`, { headers: { 'content-type': 'nonsense' }, body: '{}' }).answer;
  expect([status, upstream.seen[0]?.headers['content-type']]).toEqual([200, 'nonsense']);
});

describe('request ids', () => {
  it("keeps the client's for the client and the upstream, and tells open ones apart in events", async () => {
    await start();
    const headers = { 'x-request-id': 'same' };
    const sent = [chat({}, headers), chat({}, headers)];
    await until(
      () => held.length === 2,
      () => 'both requests to arrive',
    );
    expect(upstream.seen.map((request) => request.headers['x-request-id'])).toEqual(['same', 'same']);
    for (const [index, response] of held.entries()) answerJson({ choices: [] })(upstream.seen[index]!, response);
    for (const { answer } of sent) expect((await answer).headers['x-request-id']).toBe('same');
    const ends = await gateway.terminals(2);
    expect(new Set(ends.map(({ subject }) => subject)).size).toBe(2);
    expect(ends.map(({ subject }) => subject)).toContain('same');
  });

  it('makes one where the client has none that is fit', async () => {
    await start();
    upstream.script = answerJson({ choices: [] });
    const { headers } = await chat({}, { 'x-request-id': 'not fit' }).answer;
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect((await gateway.completed()).request_id).toBe(headers['x-request-id']);
  });
});

describe('tenants', () => {
  it('are named by the header of the settings, which goes no further', async () => {
    await start({ TENANT_HEADER: 'X-Tenant' });
    upstream.script = answerJson({ choices: [] });
    await chat({}, { 'x-tenant': 'acme' }).answer;
    expect((await gateway.completed()).tenant).toBe('acme');
    expect(upstream.seen[0]!.headers).not.toHaveProperty('x-tenant');
  });

  it('are unknown where the header makes no sense', async () => {
    await start({ TENANT_HEADER: 'X-Tenant' });
    upstream.script = answerJson({ choices: [] });
    await chat({}, { 'x-tenant': 'x'.repeat(200) }).answer;
    const completed = await gateway.completed();
    expect(completed).not.toHaveProperty('tenant');
    expect(
      dataOf(
        gateway.events.find(({ type }) => type.endsWith('received.v1'))!,
        'io.inferometer.request.received.v1',
      ),
    ).toEqual({
      request_id: completed.request_id,
      operation: 'chat',
      model: 'm',
      stream: false,
    });
  });
});
