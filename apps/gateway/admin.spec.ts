import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chatChunk, ScriptedUpstream, startStream, streamWords } from './scripted-upstream.fixture.js';
import { chatBody, send, TestGateway, until, type Answer, type Sent } from './test-gateway.fixture.js';

const TOKEN = { API_TOKEN: 'T0ken' };
const NO_HEADERS: Record<string, string> = {};
const BEARER = { authorization: 'Bearer T0ken' };

let upstream: ScriptedUpstream;
let gateway: TestGateway;
let held: ServerResponse[];

async function start(env: Record<string, string> = {}): Promise<void> {
  gateway = await TestGateway.start(upstream.url, { ...TOKEN, ...env });
}

function admin(method: string, path: string, options: { headers?: Record<string, string>; body?: string } = {}): Promise<Answer> {
  const { headers = BEARER, body } = options;
  return send(`${gateway.url}/admin/${path}`, { method, headers, ...(body !== undefined && { body }) }).answer;
}

function json({ body }: Answer): Record<string, unknown> {
  return JSON.parse(body.toString()) as Record<string, unknown>;
}

function chat(id: string, headers: Record<string, string> = {}): Sent {
  return send(`${gateway.url}/v1/chat/completions`, { headers: { 'x-request-id': id, ...headers }, body: chatBody({ stream: true }) });
}

/** Sends requests that the upstream holds, each after the one before it has been received. */
async function chatInOrder(...requests: readonly (readonly [id: string, headers?: Record<string, string>])[]): Promise<Map<string, Sent>> {
  const sent = new Map<string, Sent>();
  for (const [id, headers] of requests) {
    sent.set(id, chat(id, headers));
    await until(
      () => gateway.lifecycle(id).length > 0,
      () => `${id} to be received`,
    );
  }
  return sent;
}

function idsSeen(): unknown[] {
  return upstream.seen.map(({ headers }) => headers['x-request-id']);
}

async function untilSeen(...ids: string[]): Promise<void> {
  await until(
    () => upstream.seen.length >= ids.length,
    () => `${ids.join()} at the upstream; got ${idsSeen().join()}`,
  );
  expect(idsSeen()).toEqual(ids);
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

const of = (tenant: string) => ({ 'x-tenant': tenant });

describe('the routes of the operator', () => {
  const routes = [
    ['GET', 'requests'],
    ['DELETE', 'requests/x'],
    ['GET', 'limits'],
    ['PUT', 'limits'],
  ] as const;

  it('are shut where no token is set', async () => {
    await start({ API_TOKEN: '' });
    for (const [method, path] of routes) {
      const answer = await admin(method, path);
      expect([answer.status, json(answer)]).toMatchObject([403, { error: { code: 'admin_closed' } }]);
    }
  });

  it('ask for the token', async () => {
    await start();
    for (const [method, path] of routes) {
      for (const headers of [NO_HEADERS, { authorization: 'Bearer t0ken' }]) {
        const answer = await admin(method, path, { headers });
        expect([answer.status, json(answer)]).toMatchObject([401, { error: { code: 'invalid_api_key' } }]);
      }
    }
  });
});

describe('/admin/requests', () => {
  it('shows what is in flight, the oldest first', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '1', TENANT_HEADER: 'x-tenant' });
    upstream.script = (_request, response) => {
      held.push(response);
      startStream(response);
      response.write(chatChunk({ content: 'a' }) + chatChunk({ content: 'b' }));
    };
    const sent = await chatInOrder(['first'], ['second', { 'x-tenant': 'acme' }]);
    await sent.get('first')!.firstBytes;
    const rest = { operation: 'chat', model: 'm', stream: true, age_seconds: expect.any(Number) as number };
    expect(json(await admin('GET', 'requests'))).toEqual({
      requests: [
        { id: 'first', ...rest, phase: 'streaming', upstream: new URL(upstream.url).host, output_tokens: 2 },
        { id: 'second', ...rest, tenant: 'acme', phase: 'queued', output_tokens: 0 },
      ],
    });
  });

  it('cancels one that waits, and tells its client so', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '1' });
    const sent = await chatInOrder(['first'], ['a/b=c']);
    const answer = await admin('DELETE', 'requests/a%2Fb=c');
    expect([answer.status, json(answer)]).toMatchObject([200, { id: 'a/b=c', phase: 'queued' }]);
    const told = await sent.get('a/b=c')!.answer;
    expect([told.status, json(told)]).toMatchObject([499, { error: { code: 'request_cancelled' } }]);
    expect(await gateway.cancelled()).toMatchObject({ request_id: 'a/b=c', phase: 'queued', status_code: 499 });
    expect(json(await admin('GET', 'requests'))['requests']).toHaveLength(1);
    await untilSeen('first');
  });

  it('cancels one that streams: client and upstream are cut off, and its place goes to the next', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '1' });
    upstream.script = (_request, response) => {
      held.push(response);
      startStream(response);
      response.write(chatChunk({ content: 'a' }));
    };
    const sent = await chatInOrder(['first'], ['second']);
    await sent.get('first')!.firstBytes;
    expect((await admin('DELETE', 'requests/first')).status).toBe(200);
    expect((await sent.get('first')!.answer).complete).toBe(false);
    expect(await gateway.cancelled()).toMatchObject({ request_id: 'first', phase: 'streaming', output_tokens: 1 });
    await untilSeen('first', 'second');
    await until(
      () => upstream.seen[0]!.aborted,
      () => 'the upstream to be given up',
    );
  });

  it('knows no request that is not open', async () => {
    await start();
    upstream.script = streamWords('a');
    await chat('over').answer;
    await gateway.completed();
    for (const id of ['over', 'nobody', '']) expect((await admin('DELETE', `requests/${id}`)).status).toBe(404);
  });
});

describe('/admin/limits', () => {
  const LIMITS = { max_concurrent_requests: 1, max_queue_size: 10, max_concurrent_per_tenant: 0, max_queue_per_tenant: 0 };

  it('are shown, and changed for those who wait too', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '1', MAX_QUEUE_SIZE: '10' });
    expect(json(await admin('GET', 'limits'))).toEqual(LIMITS);
    await chatInOrder(['r1'], ['r2'], ['r3'], ['r4']);
    await untilSeen('r1');
    const changed = await admin('PUT', 'limits', { body: '{"max_concurrent_requests":3}' });
    expect([changed.status, json(changed)]).toEqual([200, { ...LIMITS, max_concurrent_requests: 3 }]);
    await untilSeen('r1', 'r2', 'r3');
    await admin('PUT', 'limits', { body: '{"max_queue_size":1}' });
    const refused = await chat('r5').answer;
    expect([refused.status, json(refused)]).toMatchObject([503, { error: { code: 'queue_full' }, max_queue_size: 1 }]);
    const health = await send(`${gateway.url}/health`, { method: 'GET' }).answer;
    expect(json(health)).toMatchObject({ limits: { max_concurrent_requests: 3, max_queue_size: 1 }, queue: { waiting: 1, running: 3 } });
    expect(gateway.logLines.some((line) => line.includes('limits are now: max_concurrent_requests 3'))).toBe(true);
  });

  it('stay as they are where the change is wrong, which is said', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '1', MAX_QUEUE_SIZE: '10' });
    for (const body of ['', '[]', '{"max_queue_size":5,"max_concurrent_requests":0}']) {
      const answer = await admin('PUT', 'limits', { body });
      expect([answer.status, json(answer)]).toMatchObject([400, { error: { code: 'invalid_limits' } }]);
    }
    expect(json(await admin('GET', 'limits'))).toEqual(LIMITS);
  });

  it('are read from the file at the start and again when asked to, and a bad file changes nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'limits-'));
    try {
      const file = join(folder, 'limits.json');
      writeFileSync(file, '{"max_concurrent_requests":7}');
      await start({ MAX_CONCURRENT_REQUESTS: '1', MAX_QUEUE_SIZE: '10', LIMITS_FILE: file });
      expect(json(await admin('GET', 'limits'))).toEqual({ ...LIMITS, max_concurrent_requests: 7 });
      writeFileSync(file, '{"max_queue_size":5}');
      gateway.reload();
      expect(json(await admin('GET', 'limits'))).toEqual({ ...LIMITS, max_queue_size: 5 });
      writeFileSync(file, '{"max_queue_size":-1}');
      gateway.reload();
      rmSync(file);
      gateway.reload();
      expect(json(await admin('GET', 'limits'))).toEqual({ ...LIMITS, max_queue_size: 5 });
      const complaints = gateway.logLines.filter((line) => line.includes('LIMITS_FILE is left out of account'));
      expect(complaints).toHaveLength(2);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('tenants', () => {
  it('are served in turn where the settings say so', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '1', TENANT_HEADER: 'x-tenant', QUEUE_ORDER: 'tenants' });
    await chatInOrder(['a0', of('a')], ['a1', of('a')], ['a2', of('a')], ['b1', of('b')], ['b2', of('b')]);
    const order = ['a0', 'a1', 'b1', 'a2', 'b2'];
    for (let served = 1; served <= order.length; served += 1) {
      await untilSeen(...order.slice(0, served));
      streamWords('x')(upstream.seen[served - 1]!, held[served - 1]!);
    }
    expect(await gateway.terminals(5)).toHaveLength(5);
    expect(upstream.peak).toBe(1);
  });

  it('have no more than their places and their share of the queue', async () => {
    const limits = { MAX_CONCURRENT_REQUESTS: '3', MAX_CONCURRENT_PER_TENANT: '1', MAX_QUEUE_PER_TENANT: '1' };
    await start({ ...limits, TENANT_HEADER: 'x-tenant' });
    await chatInOrder(['a1', of('a')], ['a2', of('a')]);
    const refused = await chat('a3', of('a')).answer;
    expect([refused.status, refused.headers['retry-after'], json(refused)]).toMatchObject([
      429,
      '1',
      { error: { code: 'tenant_queue_full' }, queue_size: 1, max_queue_size: 1 },
    ]);
    expect(await gateway.failed()).toMatchObject({ tenant: 'a', error_type: 'rate_limited', status_code: 429 });
    await chatInOrder(['b1', of('b')], ['none']);
    await untilSeen('a1', 'b1', 'none');
    streamWords('x')(upstream.seen[0]!, held[0]!);
    await untilSeen('a1', 'b1', 'none', 'a2');
  });
});

describe('Retry-After', () => {
  it('is the time in which the queue is served, at the rate measured', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '1', MAX_QUEUE_SIZE: '1' });
    await chatInOrder(['slow']);
    await untilSeen('slow');
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    streamWords('x')(upstream.seen[0]!, held[0]!);
    await gateway.completed();
    await chatInOrder(['r1'], ['r2']);
    const refused = await chat('r3').answer;
    expect([refused.status, Number(refused.headers['retry-after'])]).toEqual([503, 3]);
  });
});
