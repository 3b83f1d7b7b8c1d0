import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerJson, chatChunk, ScriptedUpstream, startStream, streamWords, type Script } from './scripted-upstream.fixture.js';
import { send, TestGateway, type Answer } from './test-gateway.fixture.js';

const CANARY = 'C4NARY';
const HEADERS = {
  'content-type': 'application/json',
  authorization: `Bearer ${CANARY}`,
  'x-api-key': CANARY,
  cookie: `session=${CANARY}`,
  'x-forwarded-for': CANARY,
};

let upstream: ScriptedUpstream;
let gateway: TestGateway;

beforeEach(async () => {
  upstream = await ScriptedUpstream.start();
  gateway = await TestGateway.start(upstream.url, { UPSTREAM_API_KEY: `up-${CANARY}`, API_TOKEN: CANARY, MAX_BODY_BYTES: '2000' });
});

afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

function chat(rest: object, path = '/v1/chat/completions'): Promise<Answer> {
  const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: CANARY }], prompt: CANARY, user: CANARY, ...rest });
  return send(`${gateway.url}${path}?key=${CANARY}`, { headers: HEADERS, body }).answer;
}

describe('prompts, completions, keys and cookies', () => {
  it('are in no event, no log line and no error of ours, however a request ends', async () => {
    const brokenOff: Script = (_request, response) => {
      startStream(response);
      response.write(chatChunk({ content: CANARY }), () => response.destroy());
    };
    const scripts: readonly Script[] = [
      streamWords(CANARY, CANARY),
      answerJson({ choices: [{ index: 0, message: { content: CANARY }, finish_reason: 'stop' }] }),
      answerJson({ error: { message: CANARY, type: CANARY, code: CANARY } }, 400),
      (_request, response) => {
        startStream(response);
        response.end(`data: {"error":{"message":"${CANARY}"}}\n\ndata: [DONE]\n\n`);
      },
      (_request, response) => {
        startStream(response);
        response.end(`data: {${CANARY}\n\ndata: "${CANARY}"\n\n`);
      },
      brokenOff,
    ];
    for (const script of scripts) {
      upstream.script = script;
      await chat({ stream: true });
    }
    upstream.script = (_request, response) => response.destroy();
    const own = [
      await chat({}),
      await send(`${gateway.url}/v1/chat/completions`, { headers: HEADERS, body: `{"model":"${CANARY}` }).answer,
      await chat({ x: CANARY.repeat(500) }),
      await chat({}, '/v1/nowhere'),
      await send(`${gateway.url}/stats?key=${CANARY}`, { method: 'GET', headers: { cookie: CANARY } }).answer,
    ];
    expect(own.map(({ status }) => status)).toEqual([502, 400, 413, 404, 401]);
    await gateway.terminals(9);
    await gateway.drain();
    const told = [...own.map(({ body }) => body.toString()), JSON.stringify(gateway.events), gateway.logLines.join('')];
    for (const text of told) expect(text).not.toContain(CANARY);
    expect(upstream.seen.every(({ headers }) => headers.authorization === `Bearer up-${CANARY}`)).toBe(true);
    expect(upstream.seen.every(({ headers }) => headers.cookie === undefined && headers['x-api-key'] === undefined)).toBe(true);
  });
});
