import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { canStartKafka, KafkaBroker } from '../support/kafka.js';
import { temporaryFolder } from '../support/stack.js';
import { waitFor } from '../support/wait.js';
import { agreement, Fleet } from './harness/fleet.js';
import { HttpLoad } from './harness/http-load.js';
import { Ledger } from './harness/ledger.js';
import { inLongRun, randomFor, rounds } from './harness/plan.js';
import { eventLogOf, Site } from './harness/site.js';

const REQUESTS_PER_SECOND = 40;
const WARM_UP_MS = 3_000;
const ROUNDS = rounds(1);
const STOPPED_MS = inLongRun([5_000, 45_000], [5_000]);
const DOWN_MS = inLongRun(300_000, 15_000);
const MOST_GROWTH_BYTES = 128 * 1024 * 1024;
const DRAIN_DEADLINE_MS = 120_000;

const canStart = await canStartKafka();

async function start() {
  const broker = await KafkaBroker.start();
  onTestFinished(() => broker.stop());
  const fleet = await Fleet.on(broker.brokers);
  onTestFinished(() => fleet.close());
  const [aggregators, site] = [await fleet.aggregators(2), await Site.on(fleet)];
  return { broker, fleet, aggregators, site };
}

/** Resident memory of a process, in bytes. */
function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

describe.skipIf(!canStart)('the broker is away', () => {
  it(
    `fault 3: stopped, then killed and restarted, under load: no request notices, all is counted once`,
    { timeout: 180_000 + 180_000 * ROUNDS },
    async () => {
      const random = randomFor('broker stopped');
      const { broker, aggregators, site } = await start();
      const gateway = await site.gateway('steady');
      const load = new HttpLoad(gateway.url, random, 'call');
      load.start(REQUESTS_PER_SECOND);
      await wait(WARM_UP_MS);
      const faultsFromMs = Date.now();
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const stoppedMs of STOPPED_MS) {
          await broker.pause();
          await wait(stoppedMs);
          broker.resume();
          await wait(random.integer(1_000, 4_000));
        }
        await broker.kill();
        await wait(random.integer(0, 3_000));
        await broker.restart();
        await wait(random.integer(0, 2_000));
      }
      const faultsToMs = Date.now();
      await wait(WARM_UP_MS);
      await load.stop();
      expect(Object.keys(load.statuses())).toEqual(['200', '404']);
      const documents = await agreement(aggregators, load.ledger);
      for (const { data_quality: quality } of documents)
        expect(quality).toMatchObject({ reconciled: true, events_missing: 0, dead_letters: 0 });
      expect(await eventLogOf(gateway)).toMatchObject({ connected: true, spooled: 0, dropped: 0 });
      const [calm, rough] = [load.p99(0, faultsFromMs), load.p99(faultsFromMs, faultsToMs)];
      console.log(`${load.calls.length} requests; p99 ${calm.toFixed(1)} ms before, ${rough.toFixed(1)} ms meanwhile`);
    },
  );

  it(
    `fault 8: down for ${DOWN_MS / 1000} s under load: the spool holds it all, in bounded memory`,
    { timeout: 240_000 + 2 * DOWN_MS },
    async () => {
      const random = randomFor('broker down');
      const { broker, aggregators, site } = await start();
      const spool = temporaryFolder();
      const [steady, restarted] = [await site.gateway('steady'), await site.gateway('restarted', { spool })];
      const loads = [steady, restarted].map((gateway, index) => new HttpLoad(gateway.url, random, `load-${index}`));
      for (const load of loads) load.start(REQUESTS_PER_SECOND / 2);
      await wait(WARM_UP_MS);
      const before = residentBytes(steady.pid);
      await broker.kill();
      await wait(DOWN_MS / 2);
      await loads[1]!.stop();
      await restarted.signal('SIGTERM');
      // It starts without a broker, with what the earlier one has left.
      const again = await site.gateway('restarted', { spool });
      loads.push(new HttpLoad(again.url, random, 'load-2'));
      loads[2]!.start(REQUESTS_PER_SECOND / 2);
      await wait(DOWN_MS / 2);
      for (const gateway of [steady, again]) {
        const { connected, spooled, dropped } = await eventLogOf(gateway);
        expect({ connected, dropped }).toEqual({ connected: false, dropped: 0 });
        expect(spooled).toBeGreaterThan(100);
      }
      expect(residentBytes(steady.pid) - before).toBeLessThan(MOST_GROWTH_BYTES);
      await broker.restart();
      const empty = async () => (await eventLogOf(steady)).spooled + (await eventLogOf(again)).spooled === 0;
      await waitFor('the spools to be empty', empty, DRAIN_DEADLINE_MS);
      for (const load of [loads[0]!, loads[2]!]) await load.stop();
      for (const load of loads) expect(Object.keys(load.statuses())).toEqual(['200', '404']);
      const ledger = loads.reduce((sum, load) => sum.add(load.ledger), new Ledger({ tokens: false }));
      const documents = await agreement(aggregators, ledger);
      for (const { data_quality: quality } of documents)
        expect(quality).toMatchObject({ reconciled: true, events_missing: 0, dead_letters: 0 });
      const grown = (residentBytes(steady.pid) - before) / 1024 / 1024;
      console.log(`${ledger.total} requests, memory grew by ${grown.toFixed(0)} MiB`);
    },
  );
});
