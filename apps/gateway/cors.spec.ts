import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerJson, ScriptedUpstream } from './scripted-upstream.fixture.js';
import { chatBody, send, TestGateway, type Answer } from './test-gateway.fixture.js';

const PAGE = 'https://chat.example';

let upstream: ScriptedUpstream;
let gateway: TestGateway;

beforeEach(async () => {
  upstream = await ScriptedUpstream.start();
});

afterEach(async () => {
  await gateway.drain();
  await gateway.close();
  await upstream.close();
});

async function start(origins?: string): Promise<void> {
  gateway = await TestGateway.start(upstream.url, origins === undefined ? {} : { CORS_ORIGINS: origins });
}

function ask(method: string, path: string, headers: Record<string, string>): Promise<Answer> {
  return send(gateway.url + path, { method, headers, ...(method === 'POST' && { body: chatBody() }) }).answer;
}

function preflight(origin: string): Promise<Answer> {
  const headers = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' };
  return ask('OPTIONS', '/v1/chat/completions', headers);
}

const corsOf = ({ headers }: Answer) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => /^(access-control-|vary)/.test(name)));

describe('calls from web pages', () => {
  it('are not provided for, unless set', async () => {
    await start();
    upstream.script = answerJson({});
    const answers = [await preflight(PAGE), await ask('POST', '/v1/chat/completions', { origin: PAGE })];
    expect(answers.map(({ status }) => status)).toEqual([404, 200]);
    expect(answers.map(corsOf)).toEqual([{}, {}]);
  });

  it('are asked for first, and allowed with what they need', async () => {
    await start(`${PAGE},https://other.example`);
    const answer = await preflight(PAGE);
    expect([answer.status, answer.body.length]).toEqual([204, 0]);
    expect(corsOf(answer)).toEqual({
      'access-control-allow-origin': PAGE,
      'access-control-allow-methods': 'GET, HEAD, POST, OPTIONS',
      'access-control-allow-headers': 'authorization,content-type',
      'access-control-expose-headers': 'x-request-id, server-timing, retry-after',
      'access-control-max-age': '600',
      vary: 'Origin',
    });
    expect(upstream.seen).toEqual([]);
  });

  it('get the same headers with every answer, whose own ones of that kind are dropped', async () => {
    await start(PAGE);
    upstream.script = (_request, response) => {
      response.setHeaders(
        new Map([
          ['access-control-allow-origin', ''],
          ['vary', 'accept'],
          ['x-other', '1'],
        ]),
      );
      response.end('{}');
    };
    const expected = {
      'access-control-allow-origin': PAGE,
      'access-control-expose-headers': 'x-request-id, server-timing, retry-after',
    };
    const proxied = await ask('POST', '/v1/chat/completions', { origin: PAGE });
    expect(corsOf(proxied)).toEqual({ ...expected, vary: 'accept, Origin' });
    expect(proxied.headers['x-other']).toBe('1');
    expect(corsOf(await ask('GET', '/v1/models', { origin: PAGE }))).toEqual({ ...expected, vary: 'accept, Origin' });
    await upstream.close();
    const failed = await ask('POST', '/v1/chat/completions', { origin: PAGE });
    expect([failed.status, corsOf(failed)]).toEqual([502, { ...expected, vary: 'Origin' }]);
    expect(corsOf(await ask('GET', '/nowhere', { origin: PAGE }))).toEqual({ ...expected, vary: 'Origin' });
  });

  it('of other pages are not allowed', async () => {
    await start(PAGE);
    upstream.script = answerJson({});
    expect(corsOf(await ask('POST', '/v1/chat/completions', { origin: 'https://evil.example' }))).toEqual({ vary: 'Origin' });
    const answer = await preflight('https://evil.example');
    expect([answer.status, corsOf(answer)]).toEqual([404, { vary: 'Origin' }]);
  });

  it('may be allowed to everybody', async () => {
    await start('*');
    upstream.script = answerJson({});
    expect(corsOf(await ask('POST', '/v1/chat/completions', { origin: PAGE }))).toMatchObject({ 'access-control-allow-origin': '*' });
    expect(corsOf(await ask('POST', '/v1/chat/completions', {}))).toEqual({});
  });
});
