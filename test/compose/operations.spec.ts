import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OpenLoop, type Answered } from '../faults/harness/open-loop.js';
import { tally, Told } from '../faults/harness/told.js';
import { waitFor } from '../support/wait.js';
import { Compose } from './compose.js';
import { dockerEnvironment } from './engine.js';

const docker = dockerEnvironment();
const MINUTES = 60_000;
const REQUESTS_PER_SECOND = 20;

describe.skipIf(!docker)("docker-compose.yml: the operator's day", () => {
  let stack: Compose;
  let loads = 0;

  beforeAll(async () => {
    stack = await Compose.project(docker!, { MODEL_NAMES: 'm', TTFT_MS: '50', TOKENS_PER_SECOND: '200' });
    await stack.up('--build');
  }, 8 * MINUTES);
  afterAll(() => stack?.remove(), 2 * MINUTES);

  /** Load until `act` is over, and a little longer. */
  async function underLoad(act: () => Promise<unknown>): Promise<readonly Answered[]> {
    const load = new OpenLoop(stack.gatewayUrl, `load-${(loads += 1)}`, { keepsAlive: false });
    load.start(REQUESTS_PER_SECOND);
    const begun = (more: number) => {
      const before = load.ended;
      return waitFor('some of the load to be over', async () => load.ended > before + more, 60_000);
    };
    try {
      await begun(40);
      await act();
      await begun(40);
    } finally {
      await load.stop();
    }
    return load.stop();
  }

  async function killEach(...services: readonly string[]): Promise<void> {
    for (const service of services) await stack.kill((await stack.containers(service))[0]!);
  }

  /** What the fleet says is what the log holds, whatever the clients met. */
  async function expectReconciled(): Promise<Told> {
    const told = await waitFor('the API to tell what is in the log', async () => {
      const { total, waiting, running, lost } = (await stack.metrics()).requests;
      if (waiting + running > 0) return false;
      const read = await Told.read(stack.logUrl);
      return total === read.requests.size && lost === read.unbalanced().length && read;
    }, 90_000); // prettier-ignore
    const { requests, data_quality: quality } = await stack.metrics();
    const ends = Object.entries(told.counts());
    const sumOf = (pattern: RegExp): number => ends.reduce((sum, [what, count]) => sum + (pattern.test(what) ? count : 0), 0);
    expect(requests).toMatchObject({ successful: sumOf(/^completed/), cancelled: sumOf(/^cancelled/) });
    expect([told.missing, quality.reconciled, quality.events_missing, quality.dead_letters]).toEqual([0, true, 0, 0]);
    return told;
  }

  it('kill -9 of aggregator, GPU probe, Prometheus and Kafka: no request fails, none is lost', { timeout: 8 * MINUTES }, async () => {
    const answers = await underLoad(() => killEach('aggregator', 'gpu-probe', 'prometheus', 'kafka'));
    expect(tally(answers.map(({ status }) => String(status)))).toEqual({ 200: answers.length });
    const told = await expectReconciled();
    expect(answers.filter(({ id }) => told.of(id).ends[0]?.what !== 'completed 200')).toEqual([]);
  });

  it(
    'kill -9 of gateway, model server and door: what fails is told, and they are back by themselves',
    { timeout: 8 * MINUTES },
    async () => {
      const answers = await underLoad(() => killEach('gateway', 'model-server', 'door'));
      await expectReconciled();
      expect(answers.at(-1)?.status).toBe(200);
    },
  );

  it('a rolling replacement of gateways and aggregators: no request fails, no event is lost', { timeout: 5 * MINUTES }, async () => {
    await stack.up('--scale', 'gateway=2', '--scale', 'aggregator=2');
    const old = [...(await stack.containers('gateway')), ...(await stack.containers('aggregator'))];
    const answers = await underLoad(async () => {
      for (const service of ['gateway', 'aggregator']) {
        const { code, output } = await stack.run('deploy/compose/roll.sh', [service]);
        expect(code, output).toBe(0);
      }
    });
    const fresh = [...(await stack.containers('gateway')), ...(await stack.containers('aggregator'))];
    expect(fresh.length).toBe(4);
    expect(fresh.filter((id) => old.includes(id))).toEqual([]);
    expect(tally(answers.map(({ status }) => String(status)))).toEqual({ 200: answers.length });
    const told = await expectReconciled();
    expect(answers.filter(({ id }) => told.of(id).ends[0]?.what !== 'completed 200')).toEqual([]);
  });

  it('down and up again: the totals are kept', { timeout: 5 * MINUTES }, async () => {
    await expectReconciled();
    const { requests: before } = await stack.metrics();
    await stack.compose('down');
    await stack.up();
    const { requests: after } = await stack.settled(before.total);
    expect(after).toMatchObject({ total: before.total, successful: before.successful, failed: before.failed, lost: before.lost });
    await expectReconciled();
  });

  it('a broker that has lost its volume: it is said, and counting goes on', { timeout: 5 * MINUTES }, async () => {
    await stack.compose('rm', '--stop', '--force', 'kafka');
    await stack.docker(
      'volume',
      'rm',
      `${((await stack.compose('config', '--format', 'json').then(JSON.parse)) as { name: string }).name}_kafka`,
    );
    await stack.up();
    const answers = await underLoad(async () => {});
    expect(tally(answers.map(({ status }) => String(status)))).toEqual({ 200: answers.length });
    // Whoever finds it first says it, at its second look.
    const isSaid = async () => /the event log has lost .* they are made again, empty/.test(await stack.compose('logs'));
    await waitFor('it to be said', isSaid, 60_000);
    // What was told to the new topic is what is counted now.
    const agreed = async () => {
      const [told, { requests }] = [await Told.read(stack.logUrl), await stack.metrics()];
      return requests.total === told.requests.size && requests.total >= answers.length;
    };
    await waitFor('the API to tell what is in the new topic', agreed, 60_000);
  });

  it('a wrong UPSTREAM_URL is one clear line', { timeout: 2 * MINUTES }, async () => {
    const { code, output } = await stack.run('docker', [
      'compose',
      'run',
      '--rm',
      '--no-deps',
      '-e',
      'UPSTREAM_URL=model-server',
      'gateway',
    ]);
    expect(code).toBe(2);
    expect(output).toContain('gateway: UPSTREAM_URL: not an http:// or https:// address');
  });
});
