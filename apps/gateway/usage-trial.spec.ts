import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerJson, chatChunk, DONE, ScriptedUpstream, startStream, usageChunk, type Script } from './scripted-upstream.fixture.js';
import { chatBody, send, TestGateway, until, type Answer } from './test-gateway.fixture.js';

const COMPLAINT = { error: { message: 'Unrecognized request argument supplied: stream_options', type: 'invalid_request_error' } };

let upstream: ScriptedUpstream;
let gateway: TestGateway;

beforeEach(async () => {
  upstream = await ScriptedUpstream.start();
  gateway = await TestGateway.start(upstream.url, { MAX_CONCURRENT_REQUESTS: '1' });
});

afterEach(async () => {
  await gateway.drain();
  await gateway.close();
  await upstream.close();
});

function chat(rest: object = {}): Promise<Answer> {
  return send(`${gateway.url}/v1/chat/completions`, { body: chatBody({ stream: true, ...rest }) }).answer;
}

/** Knows no `stream_options`, and has its own mind about usage. */
const oldServer: Script = (request, response) => {
  if (request.body.includes('stream_options')) return answerJson(COMPLAINT, 400)(request, response);
  startStream(response);
  response.end(chatChunk({ content: 'x' }) + usageChunk(3, 1) + DONE);
};

describe('a server that does not know stream_options', () => {
  it('gets the request once more as the client wrote it, and from then on at once', async () => {
    upstream.script = oldServer;
    const frames = chatChunk({ content: 'x' }) + usageChunk(3, 1) + DONE;
    const first = await chat();
    expect([first.status, first.body.toString()]).toEqual([200, frames]);
    expect(upstream.seen.map(({ body }) => body.toString())).toEqual([
      expect.stringContaining('"include_usage":true'),
      chatBody({ stream: true }),
    ]);
    expect((await chat()).body.toString()).toBe(frames);
    expect(upstream.seen).toHaveLength(3);
    expect(upstream.peak).toBe(1);
    const [completed] = await gateway.terminals(2);
    expect(completed!.data).toMatchObject({ status_code: 200, usage_source: 'upstream', output_tokens: 1 });
    expect(gateway.lifecycle(completed!.subject)).toEqual(['received', 'started', 'first_token', 'completed']);
  });

  it('is remembered by model', async () => {
    upstream.script = oldServer;
    await chat();
    await chat({ model: 'other' });
    expect(upstream.seen).toHaveLength(4);
  });

  it('may answer 422 as well', async () => {
    upstream.script = (request, response) =>
      request.body.includes('stream_options')
        ? answerJson({ detail: [{ loc: ['body', 'stream_options'] }] }, 422)(request, response)
        : oldServer(request, response);
    expect((await chat()).status).toBe(200);
  });

  it.each([
    ['complains of something else', 400, { error: { message: 'temperature' } }, 1],
    ['complains of it in both cases, and is not believed', 400, COMPLAINT, 2],
    ['fails otherwise', 500, COMPLAINT, 1],
  ])('a server that %s: its words pass untouched', async (_what, status, words, asked) => {
    upstream.script = answerJson(words, status);
    for (let round = 1; round <= 2; round += 1) {
      const answer = await chat();
      expect([answer.status, answer.body.toString(), answer.complete]).toEqual([status, JSON.stringify(words), true]);
      expect(upstream.seen).toHaveLength(asked * round);
    }
    expect(await gateway.failed()).toMatchObject({ status_code: status });
  });

  it('that complains without end is passed on', async () => {
    const words = 'x'.repeat(300_000);
    upstream.script = answerJson({ words, why: 'stream_options' }, 400);
    const answer = await chat();
    expect([answer.status, JSON.parse(answer.body.toString())]).toEqual([400, { words, why: 'stream_options' }]);
    expect(upstream.seen).toHaveLength(1);
  });

  it('that breaks off within its complaint: the client is told so', async () => {
    upstream.script = (_request, response) => {
      response.writeHead(400, { 'content-type': 'application/json', 'content-length': 100 });
      response.write('{"stream_options":', () => response.destroy());
    };
    const answer = await chat();
    expect([answer.status, answer.complete]).toEqual([502, true]);
    expect(await gateway.failed()).toMatchObject({ error_type: 'upstream_unreachable', status_code: 502 });
  });

  it('is given up with the client, before and after the complaint', async () => {
    for (const isSecond of [false, true]) {
      upstream.script = (request, response) => {
        if (isSecond && request.body.includes('stream_options')) return answerJson(COMPLAINT, 400)(request, response);
        if (!isSecond) response.writeHead(400, { 'content-type': 'application/json' }).write('{"stream');
      };
      const seen = upstream.seen.length;
      const sent = send(`${gateway.url}/v1/chat/completions`, { body: chatBody({ stream: true }) });
      await until(
        () => upstream.seen.length === seen + (isSecond ? 2 : 1) && upstream.inside === 1,
        () => 'the request to arrive',
      );
      sent.hangUp();
      await until(
        () => upstream.inside === 0 && upstream.seen.at(-1)!.aborted,
        () => 'the upstream to be given up',
      );
    }
    expect((await gateway.terminals(2)).map(({ type }) => type.split('.')[3])).toEqual(['cancelled', 'cancelled']);
  });

  it('is not asked again where the client itself has asked', async () => {
    upstream.script = oldServer;
    expect((await chat({ stream_options: { include_usage: true } })).body.toString()).toBe(JSON.stringify(COMPLAINT));
    expect(upstream.seen).toHaveLength(1);
  });
});
