import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerJson, chatChunk, DONE, ScriptedUpstream, startStream, streamWords, type Script } from './scripted-upstream.fixture.js';
import { chatBody, send, TestGateway, until, type Answer } from './test-gateway.fixture.js';

const TOKEN = chatChunk({ content: 'x' });
const STREAMED = { body: chatBody({ stream: true }) };
const PLAIN = { body: chatBody() };

let upstream: ScriptedUpstream;
let gateway: TestGateway;

async function start(env: Record<string, string> = {}): Promise<void> {
  gateway = await TestGateway.start(upstream.url, env);
}

function chat(options: { body: string } = STREAMED): Promise<Answer> {
  return send(`${gateway.url}/v1/chat/completions`, options).answer;
}

function codeOf({ body }: Answer): unknown {
  return (JSON.parse(body.toString()) as { error: { code: string } }).error.code;
}

/** A request after the fault is served as if nothing had been: no place is lost. */
async function expectNoPlaceLost(): Promise<void> {
  upstream.script = streamWords('fine');
  expect((await chat()).status).toBe(200);
  const health = await send(`${gateway.url}/health`, { method: 'GET' }).answer;
  expect(JSON.parse(health.body.toString())).toMatchObject({ queue: { waiting: 0, running: 0 } });
}

beforeEach(async () => {
  upstream = await ScriptedUpstream.start();
});

afterEach(async () => {
  await gateway.drain();
  await gateway.close();
  await upstream.close();
});

describe('an upstream that fails before it answers', () => {
  it('refuses connections: 502', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    free.close();
    await once(free, 'close');
    gateway = await TestGateway.start(`http://127.0.0.1:${port}`);
    const answer = await chat();
    expect([answer.status, codeOf(answer)]).toEqual([502, 'upstream_unreachable']);
    expect(await gateway.failed()).toMatchObject({ error_type: 'upstream_unreachable', status_code: 502, usage_source: 'unknown' });
  });

  it('closes the connection: 502', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '1' });
    upstream.script = (_request, response) => response.destroy();
    expect((await chat()).status).toBe(502);
    expect(await gateway.failed()).toMatchObject({ error_type: 'upstream_unreachable' });
    await expectNoPlaceLost();
  });

  it('answers garbage: 502', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '1' });
    upstream.script = (_request, response) => response.socket!.end('garbage\r\n\r\n');
    expect((await chat()).status).toBe(502);
    expect(await gateway.failed()).toMatchObject({ error_type: 'upstream_unreachable' });
    await expectNoPlaceLost();
  });

  it('hangs: 504 at the time limit, and the upstream is given up', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '1', UPSTREAM_HEADERS_TIMEOUT_MS: '300' });
    upstream.script = () => {};
    const answer = await chat();
    expect([answer.status, codeOf(answer)]).toEqual([504, 'upstream_timeout']);
    const failed = await gateway.failed();
    expect(failed).toMatchObject({ error_type: 'upstream_timeout', status_code: 504 });
    expect(failed.duration_ms).toBeGreaterThanOrEqual(299);
    await until(
      () => upstream.seen[0]!.aborted,
      () => 'the upstream to be given up',
    );
    await expectNoPlaceLost();
  });
});

describe('an upstream that fails within its answer', () => {
  const cases: readonly (readonly [string, Script, object])[] = [
    [
      'resets a stream',
      (_request, response) => {
        startStream(response);
        response.write(TOKEN, () => response.destroy());
      },
      { error_type: 'stream_truncated', output_tokens: 1, usage_source: 'counted' },
    ],
    [
      'breaks off a plain answer',
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
        response.write('{"choices":', () => response.destroy());
      },
      { error_type: 'upstream_error' },
    ],
    [
      'falls silent within a stream',
      (_request, response) => {
        startStream(response);
        response.write(TOKEN);
      },
      { error_type: 'upstream_timeout', output_tokens: 1 },
    ],
    [
      'falls silent after the head',
      (_request, response) => {
        startStream(response);
        response.flushHeaders();
      },
      { error_type: 'upstream_timeout', usage_source: 'unknown' },
    ],
  ];

  it.each(cases)('%s: the client is cut off, so that nobody takes it for whole', async (_what, script, expected) => {
    await start({ MAX_CONCURRENT_REQUESTS: '1', UPSTREAM_IDLE_TIMEOUT_MS: '200', UPSTREAM_HEADERS_TIMEOUT_MS: '400' });
    upstream.script = script;
    const answer = await chat();
    expect([answer.status, answer.complete]).toEqual([200, false]);
    expect(await gateway.failed()).toMatchObject({ status_code: 200, ...expected });
    await until(
      () => upstream.inside === 0,
      () => 'the upstream to be given up',
    );
    await expectNoPlaceLost();
  });

  it('ends a stream without its last frame: bytes pass as they are, and it counts as truncated', async () => {
    await start();
    upstream.script = (_request, response) => {
      startStream(response);
      response.end(TOKEN);
    };
    const answer = await chat();
    expect([answer.body.toString(), answer.complete]).toEqual([TOKEN, true]);
    expect(await gateway.failed()).toMatchObject({ error_type: 'stream_truncated' });
  });

  it('sends an error frame and then a clean end: the bytes pass, and it has failed', async () => {
    await start();
    const frames = `${TOKEN}data: {"error":{"message":"dead"}}\n\n${DONE}`;
    upstream.script = (_request, response) => {
      startStream(response);
      response.end(frames);
    };
    expect((await chat()).body.toString()).toBe(frames);
    expect(await gateway.failed()).toMatchObject({ error_type: 'upstream_error', status_code: 200, output_tokens: 1 });
  });

  it('sends garbage as a stream: the bytes pass', async () => {
    await start();
    const garbage = 'data: {"choices":[\n\n\xff\xfe: \n\ndata: 5\n\ndata: [DONE]';
    upstream.script = (_request, response) => {
      startStream(response);
      response.end(garbage, 'latin1');
    };
    expect((await chat()).body.toString('latin1')).toBe(garbage);
    expect(await gateway.completed()).toMatchObject({ usage_source: 'unknown', finish_reason: 'unknown', chunks: 0 });
  });

  it('sends a giant line: it is not read, but passes whole', async () => {
    await start();
    const line = `data: {"x":"${'y'.repeat(10_000_000)}"}\n\n`;
    upstream.script = (_request, response) => {
      startStream(response);
      response.end(TOKEN + line + DONE);
    };
    expect((await chat()).body.toString()).toBe(TOKEN + line + DONE);
    expect(await gateway.completed()).toMatchObject({ chunks: 1, usage_source: 'counted' });
  });
});

describe('an upstream that answers in its own way', () => {
  it('answers a streamed request in JSON: a success without a time to first token', async () => {
    await start();
    upstream.script = answerJson({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } });
    expect((await chat()).status).toBe(200);
    const completed = await gateway.completed();
    expect(completed).toMatchObject({ stream: true, output_tokens: 2, usage_source: 'upstream' });
    expect(completed).not.toHaveProperty('ttft_ms');
  });

  it('compresses although it was asked not to: the bytes pass unread', async () => {
    await start();
    upstream.script = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' }).end('zipped');
    };
    const answer = await chat();
    expect([answer.body.toString(), answer.headers['content-encoding']]).toEqual(['zipped', 'gzip']);
    expect(await gateway.completed()).toMatchObject({ usage_source: 'unknown' });
    expect(upstream.seen[0]!.headers['accept-encoding']).toBe('identity');
  });

  it('promises a length for a stream that loses a frame here', async () => {
    await start();
    const frames = [TOKEN, 'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n', DONE];
    upstream.script = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-length': frames.join('').length }).end(frames.join(''));
    };
    const answer = await chat();
    expect([answer.body.toString(), answer.complete]).toEqual([TOKEN + DONE, true]);
    expect(answer.headers).not.toHaveProperty('content-length');
  });

  it.each([
    [400, 'invalid_request'],
    [401, 'unauthorized'],
    [404, 'not_found'],
    [422, 'invalid_request'],
    [429, 'rate_limited'],
    [500, 'upstream_error'],
    [503, 'upstream_error'],
  ])('answers %i: its body passes untouched, counted as %s', async (status, errorType) => {
    await start();
    upstream.script = answerJson({ detail: 'its own words' }, status);
    const answer = await chat(PLAIN);
    expect([answer.status, answer.body.toString()]).toEqual([status, '{"detail":"its own words"}']);
    expect(await gateway.failed()).toMatchObject({ error_type: errorType, status_code: status });
  });

  it('hints at something early: only the answer passes', async () => {
    await start();
    upstream.script = (request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      answerJson({ choices: [] })(request, response);
    };
    expect((await chat(PLAIN)).body.toString()).toBe('{"choices":[]}');
    await gateway.completed();
  });

  it('is used over one connection again and again', async () => {
    await start();
    upstream.script = streamWords('a');
    for (let round = 0; round < 5; round += 1) await chat();
    expect(upstream.connections).toBe(1);
  });
});
