import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeEvent } from '#libs/contracts';
import { send } from '../e2e/load.js';
import { OpenLoop } from '../faults/harness/open-loop.js';
import { tally, Told } from '../faults/harness/told.js';
import { waitFor } from '../support/wait.js';
import { Compose } from './compose.js';
import { dockerEnvironment } from './engine.js';

const docker = dockerEnvironment();
const MINUTES = 60_000;
const REQUESTS_PER_SECOND = 30;

describe.skipIf(!docker)('docker-compose.yml: the three uses', () => {
  let stack: Compose;
  /** How many requests have been sent so far. */
  let sent = 0;

  beforeAll(async () => {
    stack = await Compose.project(docker!, { API_TOKEN: 'a-token', MODEL_NAMES: 'demo-7b,m', TTFT_MS: '50', TOKENS_PER_SECOND: '200' });
  });
  afterAll(() => stack?.remove(), 2 * MINUTES);

  it('1. docker compose up: everything becomes healthy by itself', { timeout: 8 * MINUTES }, async () => {
    await stack.up('--build');
    const services = ['aggregator', 'alertmanager', 'door', 'gateway', 'gpu-probe', 'kafka', 'model-server', 'prometheus'];
    expect(await stack.states()).toEqual(services.map((service) => `${service}: running healthy`));
  });

  it('1. a streamed chat is answered, and counted by the API and by Prometheus', { timeout: 2 * MINUTES }, async () => {
    const call = { id: 'first-chat', model: 'demo-7b', stream: true, maxTokens: 20, askUsage: true, hangUpAfter: undefined };
    const { outcome, usage } = await send(stack.client, call);
    sent += 1;
    expect([outcome, usage?.output]).toEqual(['completed', 20]);
    const { requests, tokens, gpus, data_quality: quality } = await stack.settled(sent);
    expect(requests).toMatchObject({ successful: 1, failed: 0, cancelled: 0, lost: 0 });
    expect(tokens).toMatchObject({ total_input: usage?.input, total_output: 20 });
    expect([gpus.length, quality.live_gateways, quality.live_aggregators, quality.reconciled]).toEqual([1, 1, 1, true]);
    await waitFor('Prometheus to know of it', async () => (await stack.query('vllm_successful_requests')) === 1, 60_000);
    expect(await stack.query('vllm_total_output_tokens')).toBe(20);
    await waitFor('every process to be scraped', async () => (await stack.query('count(up == 1)')) === 4, 60_000);
  });

  it('2. scale out under load, to 3 aggregators and 2 gateways, and back: nothing fails, and everything is counted once', async () => {
    const load = new OpenLoop(stack.gatewayUrl, 'scaling');
    load.start(REQUESTS_PER_SECOND);
    await waitFor('the load to be served', async () => load.ended > 50);
    await stack.up('--scale', 'aggregator=3', '--scale', 'gateway=2');
    const wide = await waitFor('all of them to be heard of', async () => {
      const { data_quality: quality } = await stack.metrics();
      return quality.live_aggregators === 3 && quality.live_gateways === 2 && quality;
    }, 60_000); // prettier-ignore
    const before = load.ended;
    await waitFor('more of the load to be served', async () => load.ended > before + 100, 30_000);
    await stack.up('--scale', 'aggregator=1', '--scale', 'gateway=1');
    const answers = await load.stop();
    sent += answers.length;
    expect(tally(answers.map(({ status }) => String(status)))).toEqual({ 200: answers.length });
    const { requests, data_quality: quality } = await stack.settled(sent);
    expect(requests).toMatchObject({ successful: sent, failed: 0, cancelled: 0, lost: 0 });
    expect([wide.reconciled, quality.reconciled, quality.events_missing, quality.dead_letters]).toEqual([true, true, 0, 0]);
    const told = await Told.read(stack.logUrl);
    expect([told.unbalanced(), told.missing, told.requests.size]).toEqual([[], 0, sent]);
  }, 5 * MINUTES); // prettier-ignore

  it('3. another consumer on this machine reads the same events from the broker', { timeout: MINUTES }, async () => {
    const args = ['run', '--silent', 'tail', '--', '--json', '--from', 'beginning', '--once', '--request', 'first-chat'];
    const { code, output } = await stack.run('env', [`EVENT_LOG_URL=${stack.logUrl}`, 'npm', ...args]);
    expect(code, output).toBe(0);
    const decoded = output.trim().split('\n').map((line) => decodeEvent(Buffer.from(line))); // prettier-ignore
    expect(decoded.map((event) => event.ok && event.value.type.split('.').at(-2))).toEqual([
      'received',
      'started',
      'first_token',
      'completed',
    ]);
  });
});
