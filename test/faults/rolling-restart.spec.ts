import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../support/stack.js';
import { waitFor } from '../support/wait.js';
import { Balancer } from './harness/balancer.js';
import { GatewayProcess } from './harness/gateway-process.js';
import { OpenLoop } from './harness/open-loop.js';
import { randomFor, rounds } from './harness/plan.js';
import { SteadyUpstream } from './harness/steady-upstream.js';
import { tally, Told } from './harness/told.js';

const GATEWAYS = 2;
/** How often each gateway is replaced. */
const ROUNDS = rounds(1);
const SERVICE_MS = 250;
/** The balancer looks every 50 ms. */
const DRAIN_DELAY_MS = 1_500;
const REQUESTS_PER_SECOND = 100;

describe('fault 19: gateways are replaced one after the other, under load', () => {
  it('no request fails, and every event is there', { timeout: 60_000 + 30_000 * ROUNDS }, async () => {
    const random = randomFor('rolling restart');
    const upstream = await SteadyUpstream.start(SERVICE_MS);
    onTestFinished(() => upstream.close());
    const balancer = await Balancer.start();
    onTestFinished(() => balancer.close());
    const folder = join(temporaryFolder(), 'log');
    const start = async (place: number): Promise<GatewayProcess> => {
      const env = { GATEWAY_ID: `g${place}`, DRAIN_DELAY_MS: String(DRAIN_DELAY_MS) };
      const gateway = await GatewayProcess.start(upstream.url, env, (kill) => onTestFinished(kill), folder);
      balancer.add(gateway.url);
      await waitFor('the gateway to be ready', async () => balancer.readyUrls.includes(gateway.url));
      return gateway;
    };
    const gateways = [await start(0), await start(1)];
    const load = new OpenLoop(balancer.url, `load-${random.seed}`);
    load.start(REQUESTS_PER_SECOND);
    await waitFor('the load to be served', async () => load.ended > 50);

    const exitCodes: (number | null | undefined)[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      for (let place = 0; place < GATEWAYS; place += 1) {
        const leaving = gateways[place]!;
        exitCodes.push(await leaving.app.signal('SIGTERM'));
        balancer.remove(leaving.url);
        gateways[place] = await start(place);
        await wait(random.integer(0, 500));
      }
    }
    const answers = await load.stop();
    for (const { app } of gateways) exitCodes.push(await app.signal('SIGTERM'));

    expect(tally(answers.map(({ status }) => String(status)))).toEqual({ 200: answers.length });
    expect(answers.every(({ body }) => body === SteadyUpstream.ANSWER)).toBe(true);
    // None was broken off to be done again elsewhere.
    expect(upstream.received).toBe(answers.length);
    expect(new Set(exitCodes)).toEqual(new Set([0]));
    const told = await Told.read(`file:${folder}`);
    expect([told.unbalanced(), told.missing]).toEqual([[], 0]);
    // Each was completed once, and none was refused: a balancer that only follows readiness is enough.
    expect(told.counts()).toEqual({ 'completed 200': answers.length });
    expect(told.requests.size).toBe(answers.length);
    console.log(`${answers.length} requests over ${exitCodes.length - GATEWAYS} restarts`);
  });
});
