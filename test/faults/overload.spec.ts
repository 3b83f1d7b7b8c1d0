import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OpenLoop } from './harness/open-loop.js';
import { GatewayProcess } from './harness/gateway-process.js';
import { inLongRun, randomFor } from './harness/plan.js';
import { SteadyUpstream } from './harness/steady-upstream.js';
import { tally, Told } from './harness/told.js';

const PLACES = 4;
const QUEUE = 8;
const SERVICE_MS = 50;
const CAPACITY = (PLACES * 1_000) / SERVICE_MS;
const LOAD_MS = inLongRun(60_000, 3_000);
const ENV = { MAX_CONCURRENT_REQUESTS: `${PLACES}`, MAX_QUEUE_SIZE: `${QUEUE}` };

describe('fault 17: ten times more than can be served', () => {
  it(
    'those for whom there is room are served, the others are told at once when to come again',
    { timeout: 60_000 + 2 * LOAD_MS },
    async () => {
      const random = randomFor('overload');
      const upstream = await SteadyUpstream.start(SERVICE_MS);
      onTestFinished(() => upstream.close());
      const gateway = await GatewayProcess.start(upstream.url, ENV, (kill) => onTestFinished(kill));
      const load = new OpenLoop(gateway.url, `load-${random.seed}`);
      load.start(10 * CAPACITY);
      await wait(LOAD_MS);
      const answers = await load.stop();
      await gateway.idle();
      expect(await gateway.app.signal('SIGTERM')).toBe(0);

      const served = answers.filter(({ status }) => status === 200);
      const refused = answers.filter(({ status }) => status !== 200);
      expect(served.every(({ body }) => body === SteadyUpstream.ANSWER)).toBe(true);
      for (const { status, headers, body } of refused) {
        expect([status, headers['retry-after']]).toEqual([503, expect.stringMatching(/^[1-9]\d*$/)]);
        expect(JSON.parse(body)).toEqual({
          error: { message: expect.any(String) as string, type: 'server_error', code: 'queue_full', param: null },
          queue_size: QUEUE,
          max_queue_size: QUEUE,
        });
      }
      expect(served.length).toBeGreaterThan(2 * (PLACES + QUEUE));
      expect(refused.length).toBeGreaterThan(served.length);
      expect([upstream.peak, upstream.received]).toEqual([PLACES, served.length]);

      const told = await Told.read(`file:${gateway.folder}`);
      expect(told.counts()).toEqual(tally(answers.map(({ status }) => (status === 200 ? 'completed 200' : 'queue_full 503'))));
      expect([told.requests.size, told.unbalanced(), told.missing]).toEqual([answers.length, [], 0]);
      console.log(
        `${answers.length} requests at 10 × ${CAPACITY}/s: ${served.length} served, p99 ${OpenLoop.p99(served)} ms; ${refused.length} refused, p99 ${OpenLoop.p99(refused)} ms`,
      );
    },
  );
});
