import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { kafkaForTests } from '../support/kafka.js';
import { waitFor } from '../support/wait.js';
import { agreement, Fleet } from './harness/fleet.js';
import { HttpLoad } from './harness/http-load.js';
import { randomFor, rounds } from './harness/plan.js';
import { Site } from './harness/site.js';
import { TopicLedger } from './harness/topic-ledger.js';

const KILLS = rounds(3);
const REQUESTS_PER_SECOND = 40;
/** Events are flushed every 20 ms; on a loaded machine a flush and its answer take longer. */
const UNFLUSHED_MS = 500;
/** Log time moves with the heartbeats of those who are left, every second. */
const LOST_WITHIN_MS = 8_000 + 4_000;

const kafka = await kafkaForTests();

describe.skipIf(!kafka)('fault 1: gateways are killed', () => {
  it(
    `tells of all that was stored, and of what was open as lost, through ${KILLS} kills`,
    { timeout: 60_000 + 20_000 * KILLS },
    async () => {
      const random = randomFor('gateway killed');
      const fleet = await Fleet.on(kafka!.brokers);
      onTestFinished(() => fleet.close());
      const [aggregator, site] = [await fleet.aggregator(), await Site.on(fleet)];
      let gateway = await site.gateway('mortal');
      const load = new HttpLoad(gateway.url, random, 'call');
      load.start(REQUESTS_PER_SECOND);
      const killedAtMs: number[] = [];
      for (let kill = 1; kill <= KILLS; kill += 1) {
        await wait(random.integer(1_000, 4_000));
        await gateway.signal('SIGKILL');
        killedAtMs.push(Date.now());
        if (kill === KILLS) break;
        gateway = await site.gateway('mortal');
        load.pointTo(gateway.url);
      }
      await load.stop();
      await waitFor(
        'the gauges to be 0',
        async () => {
          const { waiting, running } = (await aggregator.metrics()).requests;
          return waiting + running === 0;
        },
        LOST_WITHIN_MS,
      );
      const told = await TopicLedger.read(fleet.log, fleet.topics.requests.name);
      const [{ data_quality: quality } = expect.fail()] = await agreement([aggregator], told.ledger);
      expect(quality).toMatchObject({ reconciled: true, duplicates_dropped: 0, dead_letters: 0 });
      const untold = load.calls.filter(({ id, end }) => end !== 'broken' && told.endOf(id) !== end);
      const longUntold = untold.filter(
        ({ endedAtMs }) => !killedAtMs.some((atMs) => endedAtMs <= atMs + 50 && atMs - endedAtMs < UNFLUSHED_MS),
      );
      expect(longUntold).toEqual([]);
      const broken = load.calls.filter(({ id, end }) => end === 'broken' && told.endOf(id) !== undefined);
      console.log(
        `${KILLS} kills, ${load.calls.length} requests, ${broken.length} broken by them, ${untold.length} ended in a flush that was lost`,
      );
      expect(broken.length).toBeGreaterThan(0);
    },
  );
});
