import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerJson, ScriptedUpstream, startStream, streamWords } from './scripted-upstream.fixture.js';
import { chatBody, dataOf, send, TestGateway, until, type Answer } from './test-gateway.fixture.js';

let upstream: ScriptedUpstream;
let aggregator: ScriptedUpstream;
let gateway: TestGateway;
let isDrained: boolean;

async function start(env: Record<string, string> = {}): Promise<void> {
  gateway = await TestGateway.start(upstream.url, env);
}

function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return send(gateway.url + path, { method, headers }).answer;
}

function json({ body }: Answer): unknown {
  return JSON.parse(body.toString());
}

beforeEach(async () => {
  upstream = await ScriptedUpstream.start();
  aggregator = await ScriptedUpstream.start();
  isDrained = false;
});

afterEach(async () => {
  if (!isDrained) await gateway.drain();
  await gateway.close();
  await upstream.close();
  await aggregator.close();
});

describe('/health', () => {
  it('tells limits, queue, upstream and event log', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '3', MAX_QUEUE_SIZE: '10' });
    const answer = await get('/health');
    expect(answer.status).toBe(200);
    expect(json(answer)).toEqual({
      status: 'ok',
      limits: { max_concurrent_requests: 3, max_queue_size: 10 },
      queue: { waiting: 0, running: 0 },
      upstream: { reachable: true },
      upstreams: [{ name: new URL(upstream.url).host, reachable: true, set_aside: false, running: 0 }],
      event_log: { connected: true, spooled: expect.any(Number) as number, spool_bytes: 0, dropped: 0, dropped_by_type: {} },
    });
  });

  it('says so when the upstream is gone', async () => {
    await start();
    await upstream.close();
    expect(json(await get('/health'))).toMatchObject({ status: 'ok', upstream: { reachable: false } });
  });

  it('answers orchestrators', async () => {
    await start();
    expect((await get('/health/live')).status).toBe(200);
    expect((await get('/health/ready')).status).toBe(200);
  });
});

describe('/stats', () => {
  it('counts what happened here', async () => {
    await start({ GATEWAY_ID: 'g7' });
    upstream.script = streamWords('a', 'b');
    await send(`${gateway.url}/v1/chat/completions`, { body: chatBody({ stream: true }) }).answer;
    await send(`${gateway.url}/v1/chat/completions`, { body: '{' }).answer;
    await gateway.terminals(2);
    expect(json(await get('/stats'))).toMatchObject({
      gateway: 'g7',
      requests: { received: 2, waiting: 0, running: 0, peak_running: 1, successful: 1, failed: { invalid_request: 1 }, cancelled: {} },
      tokens: { input: 7, output: 2 },
    });
  });

  it('asks for the token where one is set', async () => {
    await start({ API_TOKEN: 'T0ken' });
    const refused = await get('/stats');
    expect([refused.status, json(refused)]).toMatchObject([401, { error: { code: 'invalid_api_key' } }]);
    expect((await get('/stats', { authorization: 'Bearer T0ken' })).status).toBe(200);
    expect((await get('/health')).status).toBe(200);
  });
});

describe('models', () => {
  it('are passed through without admission or events', async () => {
    await start();
    upstream.script = (request, response) => answerJson({ url: request.url })(request, response);
    expect(json(await get('/v1/models?limit=1'))).toEqual({ url: '/v1/models?limit=1' });
    expect(json(await get('/v1/models/meta-llama/Llama-3.1-8B'))).toEqual({ url: '/v1/models/meta-llama/Llama-3.1-8B' });
    expect(json(await get('/v1/models/a%2Fb'))).toEqual({ url: '/v1/models/a%2Fb' });
    expect(gateway.ofType('io.inferometer.request.received.v1')).toHaveLength(0);
  });

  it('cannot be used to reach other places of the upstream', async () => {
    await start();
    upstream.script = answerJson({});
    for (const path of ['/v1/models/..%2f..%2fadmin', '/v1/models/%2e%2e/admin']) expect((await get(path)).status).toBe(404);
    expect(upstream.seen).toHaveLength(0);
  });

  it('have an upstream that may be gone', async () => {
    await start();
    await upstream.close();
    const answer = await get('/v1/models');
    expect([answer.status, json(answer)]).toMatchObject([502, { error: { code: 'upstream_unreachable' } }]);
  });
});

describe('the one door', () => {
  it('shows the aggregator under the address of the gateway', async () => {
    await start({ AGGREGATOR_URL: aggregator.url });
    aggregator.script = (request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' }).end(`${request.method} ${request.url} ${request.body.toString()}`);
    };
    expect((await get('/')).body.toString()).toBe('GET / ');
    expect((await get('/metrics/prometheus')).body.toString()).toBe('GET /metrics/prometheus ');
    expect((await get('/api/v1/metrics?window=1m&model=a%20b')).body.toString()).toBe('GET /api/v1/metrics?window=1m&model=a%20b ');
    const posted = await send(`${gateway.url}/api/v1/metrics`, { body: '{"a":1}' }).answer;
    expect(posted.body.toString()).toBe('POST /api/v1/metrics {"a":1}');
    const head = await get('/api/v1/metrics', {}, 'HEAD');
    expect([head.status, head.body.length]).toEqual([200, 0]);
  });

  it('lets the token and the position of a stream through, and no cookies', async () => {
    await start({ AGGREGATOR_URL: aggregator.url });
    aggregator.script = answerJson({});
    await get('/api/v1/metrics', { authorization: 'Bearer t', 'last-event-id': '5', cookie: 'a=b' });
    expect(aggregator.seen[0]!.headers).toMatchObject({ authorization: 'Bearer t', 'last-event-id': '5' });
    expect(aggregator.seen[0]!.headers).not.toHaveProperty('cookie');
  });

  it('streams, and gives the stream up with the client', async () => {
    await start({ AGGREGATOR_URL: aggregator.url });
    aggregator.script = (_request, response) => {
      startStream(response);
      response.write('data: 1\n\n');
    };
    const sent = send(`${gateway.url}/api/v1/stream`, { method: 'GET' });
    expect((await sent.firstBytes).toString()).toBe('data: 1\n\n');
    sent.hangUp();
    await until(
      () => aggregator.seen[0]!.aborted,
      () => 'the stream to be given up',
    );
  });

  it('is shut where there is no aggregator, and says so where it is gone', async () => {
    await start();
    for (const path of ['/', '/api/v1/metrics', '/metrics/prometheus']) expect((await get(path)).status).toBe(404);
    await gateway.drain();
    await gateway.close();
    const { url } = aggregator;
    await aggregator.close();
    await start({ AGGREGATOR_URL: url });
    const answer = await get('/api/v1/metrics');
    expect([answer.status, json(answer)]).toMatchObject([502, { error: { message: 'The aggregator cannot be reached.' } }]);
  });
});

describe('anything else', () => {
  it.each([
    ['GET', '/v1/chat/completions'],
    ['GET', '/nowhere?key=secret'],
    ['POST', '/v1/nowhere'],
    ['DELETE', '/v1/models'],
    ['GET', '/v1/models/../../etc'],
  ])('%s %s is not there', async (method, path) => {
    await start();
    const answer = await get(path, {}, method);
    expect(answer.status).toBe(404);
    expect(json(answer)).toMatchObject({ error: { type: 'invalid_request_error', code: 'not_found', param: null } });
    expect(answer.body.toString()).not.toContain('secret');
  });
});

describe('heartbeats', () => {
  it('go to every partition at once, and tell how the gateway stands', async () => {
    await start({ MAX_CONCURRENT_REQUESTS: '3', MAX_QUEUE_SIZE: '10' });
    await until(
      () => gateway.ofType('io.inferometer.gateway.heartbeat.v1').length >= 6,
      () => 'six heartbeats',
    );
    const beats = gateway.ofType('io.inferometer.gateway.heartbeat.v1');
    expect(new Set(beats.map(({ id }) => id.split('/')[2])).size).toBe(6);
    expect(beats[0]).toMatchObject({ source: '/gateways/g1', subject: 'g1', sequence: 1 });
    expect(beats[0]!.data).toMatchObject({ waiting: 0, running: 0, peak_running: 0, max_concurrent: 3, max_queue: 10, received_total: 0 });
  });

  it('count requests while they run', async () => {
    await start();
    upstream.script = () => {};
    const sent = send(`${gateway.url}/v1/chat/completions`, { body: chatBody() });
    await until(
      () => gateway.ofType('io.inferometer.gateway.heartbeat.v1').some(({ data }) => data.running === 1 && data.received_total === 1),
      () => 'a heartbeat that counts the request',
    );
    sent.hangUp();
    expect(await gateway.cancelled()).toMatchObject({ phase: 'before_first_token' });
  });
});

describe('drain', () => {
  it('refuses new requests, lets the running one end, and stores every event', async () => {
    await start();
    const release = Promise.withResolvers<void>();
    upstream.script = (request, response) => void release.promise.then(() => streamWords('a')(request, response));
    const running = send(`${gateway.url}/v1/chat/completions`, { body: chatBody({ stream: true }) });
    await until(
      () => upstream.inside === 1,
      () => 'the request to arrive',
    );
    const drained = gateway.drain();
    isDrained = true;
    const ready = await get('/health/ready');
    expect([ready.status, json(ready)]).toEqual([503, { status: 'draining' }]);
    const refused = await send(`${gateway.url}/v1/chat/completions`, { body: chatBody() }).answer;
    expect([refused.status, refused.headers['retry-after'], refused.headers.connection]).toEqual([503, '1', 'close']);
    release.resolve();
    expect((await running.answer).complete).toBe(true);
    await drained;
    const ends = await gateway.terminals(2);
    expect(new Set(ends.map(({ type }) => type.split('.')[3]))).toEqual(new Set(['completed', 'failed']));
    await expect(get('/health')).rejects.toThrow('ECONNREFUSED');
  });

  it('takes requests for a while after it has said that it is going away, if it is told to', async () => {
    await start({ DRAIN_DELAY_MS: '1500' });
    upstream.script = answerJson({ choices: [] });
    const drained = gateway.drain();
    isDrained = true;
    expect((await get('/health/ready')).status).toBe(503);
    expect((await send(`${gateway.url}/v1/chat/completions`, { body: chatBody() }).answer).status).toBe(200);
    await drained;
    await expect(get('/health')).rejects.toThrow('ECONNREFUSED');
  });

  it('is over when the last event is stored, however slow the log is', async () => {
    let stored = 0;
    gateway = await TestGateway.start(upstream.url, {}, (log) => {
      const append = log.append.bind(log);
      log.append = async (topic, records) => {
        await new Promise((resolve) => setTimeout(resolve, 200));
        await append(topic, records);
        stored += records.filter(({ value }) => Buffer.from(value ?? []).includes('request.completed')).length;
      };
    });
    upstream.script = streamWords('a');
    await send(`${gateway.url}/v1/chat/completions`, { body: chatBody({ stream: true }) }).answer;
    await gateway.drain();
    isDrained = true;
    expect(stored).toBe(1);
  });

  it('ends what still runs at the deadline', async () => {
    await start({ DRAIN_TIMEOUT_MS: '50', MAX_CONCURRENT_REQUESTS: '1' });
    upstream.script = (_request, response) => {
      startStream(response);
      response.write('data: {"choices":[{"delta":{"content":"x"}}]}\n\n');
    };
    const running = send(`${gateway.url}/v1/chat/completions`, { body: chatBody({ stream: true }) });
    await running.firstBytes;
    const queued = send(`${gateway.url}/v1/chat/completions`, { body: chatBody() });
    await until(
      () => gateway.ofType('io.inferometer.request.received.v1').length === 2,
      () => 'the second request to arrive',
    );
    await gateway.drain();
    isDrained = true;
    expect((await running.answer).complete).toBe(false);
    expect((await queued.answer).status).toBe(503);
    const ends = await gateway.terminals(2);
    const types = ends.map((event) => dataOf(event, 'io.inferometer.request.failed.v1').error_type);
    expect(new Set(types)).toEqual(new Set(['internal', 'queue_timeout']));
    expect(gateway.ofType('io.inferometer.request.started.v1'), 'the queued one does not move up').toHaveLength(1);
  });

  it('has an event for every request that it answers, to the last one', async () => {
    gateway = await TestGateway.start(upstream.url, {}, (log) => {
      const append = log.append.bind(log);
      log.append = async (topic, records) => {
        await new Promise((resolve) => setTimeout(resolve, 100));
        await append(topic, records);
      };
    });
    const drained = gateway.drain();
    isDrained = true;
    let answered = 0;
    for (let isOpen = true; isOpen;) {
      const sent = send(`${gateway.url}/v1/chat/completions`, { body: chatBody() });
      isOpen = await sent.answer.then(
        () => true,
        () => false,
      );
      if (isOpen) answered += 1;
    }
    await drained;
    expect(await gateway.terminals(answered)).toHaveLength(answered);
  });

  it('does not wait for open dashboards', async () => {
    await start({ AGGREGATOR_URL: aggregator.url });
    aggregator.script = (_request, response) => {
      startStream(response);
      response.write('data: 1\n\n');
    };
    const stream = send(`${gateway.url}/api/v1/stream`, { method: 'GET' });
    await stream.firstBytes;
    await gateway.drain();
    isDrained = true;
    expect((await stream.answer).complete).toBe(false);
  });
});
