import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerJson, ScriptedUpstream, streamWords } from './scripted-upstream.fixture.js';
import { chatBody, send, TestGateway, until, type Sent } from './test-gateway.fixture.js';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

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

function chat(headers: Record<string, string> = {}): Sent {
  return send(`${gateway.url}/v1/chat/completions`, { headers, body: chatBody({ stream: true }) });
}

describe('traceparent', () => {
  it('goes up as it came, and into every event of the request', async () => {
    gateway = await TestGateway.start(upstream.url);
    upstream.script = streamWords('a');
    await chat({ traceparent: TRACEPARENT, tracestate: 'vendor=1' }).answer;
    expect(upstream.seen[0]!.headers).toMatchObject({ traceparent: TRACEPARENT, tracestate: 'vendor=1' });
    const { request_id } = await gateway.completed();
    const traces = gateway.events.filter(({ subject }) => subject === request_id).map(({ traceparent }) => traceparent);
    expect(traces).toEqual(Array.from({ length: 4 }, () => TRACEPARENT));
  });

  it.each([
    undefined,
    'nonsense',
    `ff${TRACEPARENT.slice(2)}`,
    TRACEPARENT.toUpperCase(),
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`,
  ])('is in no event where it is %s', async (traceparent) => {
    gateway = await TestGateway.start(upstream.url);
    upstream.script = streamWords('a');
    await chat(traceparent === undefined ? {} : { traceparent }).answer;
    const { request_id } = await gateway.completed();
    expect(gateway.events.find(({ subject }) => subject === request_id)).not.toHaveProperty('traceparent');
  });
});

describe('server-timing', () => {
  it('tells how long the request has waited', async () => {
    gateway = await TestGateway.start(upstream.url, { MAX_CONCURRENT_REQUESTS: '1' });
    const release = Promise.withResolvers<void>();
    upstream.script = (request, response) => void release.promise.then(() => streamWords('a')(request, response));
    const first = chat({ 'x-request-id': 'first' });
    await until(
      () => upstream.inside === 1,
      () => 'the first to arrive',
    );
    const second = chat({ 'x-request-id': 'second' });
    await until(
      () => gateway.lifecycle('second').length === 1,
      () => 'the second to arrive',
    );
    release.resolve();
    const timings = [await first.answer, await second.answer].map(({ headers }) => headers['server-timing']);
    await gateway.terminals(2);
    const told = ['first', 'second'].map((id) =>
      gateway.ofType('io.inferometer.request.completed.v1').find(({ subject }) => subject === id)!,
    );
    expect(timings).toEqual(told.map(({ data }) => `queue;dur=${data.queue_ms}`));
    expect(told[1]!.data.queue_ms).toBeGreaterThan(0);
  });

  it('can be switched off', async () => {
    gateway = await TestGateway.start(upstream.url, { SERVER_TIMING: 'off' });
    upstream.script = answerJson({});
    expect((await chat().answer).headers).not.toHaveProperty('server-timing');
  });
});
