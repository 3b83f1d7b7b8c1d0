import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OUTBOX_INSTRUMENTS } from '#libs/process-metrics';
import { missingIn, undeclaredIn } from '../../test/support/declared.js';
import { hasPromtool, openMetricsProblems, textProblems } from '../../test/support/promtool.js';
import { waitFor } from '../../test/support/wait.js';
import { GATEWAY_INSTRUMENTS } from './in/instruments.js';
import { answerJson, ScriptedUpstream } from './scripted-upstream.fixture.js';
import { chatBody, send, TestGateway, type Answer } from './test-gateway.fixture.js';

let upstream: ScriptedUpstream;
let aggregator: ScriptedUpstream;
let gateway: TestGateway;

beforeEach(async () => {
  upstream = await ScriptedUpstream.start();
  aggregator = await ScriptedUpstream.start();
  upstream.script = answerJson({});
});
afterEach(async () => {
  await gateway.drain();
  await gateway.close();
  await Promise.all([upstream.close(), aggregator.close()]);
});

const get = (headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> =>
  send(`${gateway.url}/metrics`, { method, headers }).answer;
const scrape = async (accept = ''): Promise<string> => (await get({ accept })).body.toString();
const valueIn = (text: string, sample: string): number => Number(new RegExp(`^${sample} (\\S+)$`, 'm').exec(text)?.[1]);
const chat = (body: string): Promise<Answer> => send(`${gateway.url}/v1/chat/completions`, { body }).answer;

describe('/metrics of a gateway', () => {
  it('counts its requests and the events that it stored', async () => {
    gateway = await TestGateway.start(upstream.url);
    expect(await scrape()).toMatch(/^inferometer_gateway_requests_received_total 0$/m);
    await chat(chatBody());
    await chat('{');
    await gateway.terminals(2);
    // Three of the one, two of the other, and a heartbeat or more for each of six partitions.
    const text = await waitFor('stored events', async () => {
      const scraped = await scrape();
      return valueIn(scraped, 'inferometer_outbox_stored_total') >= 11 && scraped;
    });
    expect(valueIn(text, 'inferometer_outbox_offered_total')).toBeGreaterThanOrEqual(11);
    expect(valueIn(text, 'inferometer_outbox_append_time_seconds_total')).toBeGreaterThan(0);
    expect(text).toMatch(/^inferometer_gateway_requests_received_total 2$/m);
    expect(text).toMatch(/^inferometer_gateway_requests_ended_total\{outcome="successful"\} 1$/m);
    expect(text).toMatch(/^inferometer_gateway_requests_ended_total\{outcome="failed"\} 1$/m);
    expect(text).toMatch(/^inferometer_gateway_requests_ended_total\{outcome="cancelled"\} 0$/m);
    expect(text).toMatch(/^inferometer_gateway_requests_running 0$/m);
    expect(text).toMatch(/^inferometer_event_log_connected 1$/m);
    expect(text).toMatch(/^inferometer_outbox_dropped_total\{type="unknown"\} 0$/m);
    const tables = [OUTBOX_INSTRUMENTS, GATEWAY_INSTRUMENTS];
    expect([undeclaredIn(text, tables), missingIn(text, tables)]).toEqual([[], []]);
  });

  it('shows what runs and waits', async () => {
    gateway = await TestGateway.start(upstream.url, { MAX_CONCURRENT_REQUESTS: '1' });
    const answers: (() => void)[] = [];
    upstream.script = (_request, response) => void answers.push(() => response.end('{}'));
    const open = [chat(chatBody()), chat(chatBody())];
    await waitFor('one that waits', async () => /^inferometer_gateway_requests_waiting 1$/m.test(await scrape()));
    expect(await scrape()).toMatch(/^inferometer_gateway_requests_running 1$/m);
    await waitFor('both answers', async () => {
      for (const answer of answers.splice(0)) answer();
      return Promise.race([Promise.all(open), new Promise<false>((resolve) => setTimeout(resolve, 20, false))]);
    });
  });

  it('is the gateway’s own, where the fleet’s are passed on', async () => {
    aggregator.script = (request, response) => void response.end(`${request.method} ${request.url}`);
    gateway = await TestGateway.start(upstream.url, { AGGREGATOR_URL: aggregator.url });
    expect((await send(`${gateway.url}/metrics/prometheus`, { method: 'GET' }).answer).body.toString()).toBe('GET /metrics/prometheus');
    expect(await scrape()).toContain('inferometer_build_info{app="gateway"');
    expect(aggregator.seen.map(({ url }) => url)).toEqual(['/metrics/prometheus']);
  });

  it('asks for the token where one is set', async () => {
    gateway = await TestGateway.start(upstream.url, { API_TOKEN: 'T0ken' });
    const refused = await get();
    expect([refused.status, JSON.parse(refused.body.toString())]).toMatchObject([401, { error: { code: 'invalid_api_key' } }]);
    expect((await get({ authorization: 'Bearer T0ken' })).status).toBe(200);
  });

  it('speaks both formats', async () => {
    gateway = await TestGateway.start(upstream.url);
    const [text, openMetrics] = [await get(), await get({ accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' })];
    expect(text.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(openMetrics.headers['content-type']).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(openMetrics.body.toString()).toMatch(
      /\n# TYPE process_cpu_time_seconds counter\nprocess_cpu_time_seconds_total\{[^]*\n# EOF\n$/,
    );
    expect((await get({}, 'HEAD')).status).toBe(200);
  });

  it.skipIf(!hasPromtool())('is what Prometheus reads without complaint', async () => {
    gateway = await TestGateway.start(upstream.url);
    await chat(chatBody());
    expect(textProblems(await scrape())).toBe('');
    expect(openMetricsProblems(await scrape('application/openmetrics-text'))).toBe('');
  });
});
