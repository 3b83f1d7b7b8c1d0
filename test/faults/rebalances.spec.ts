import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { kafkaForTests } from '../support/kafka.js';
import { waitFor } from '../support/wait.js';
import { agreement, Fleet } from './harness/fleet.js';
import { Observer } from './harness/observer.js';
import { randomFor, rounds } from './harness/plan.js';
import type { AppProcess } from './harness/processes.js';

const CHANGES = rounds(4);
const MOST_AGGREGATORS = 4;
const REQUESTS_PER_SECOND = 200;
const LONGEST_PAUSE_MS = 10_000;

const kafka = await kafkaForTests();

describe.skipIf(!kafka)('fault 10: a storm of rebalances', () => {
  it(
    `counts everything once through ${CHANGES} changes, and no counter ever runs backwards`,
    { timeout: 60_000 + 20_000 * CHANGES },
    async () => {
      const random = randomFor('rebalances');
      const fleet = await Fleet.on(kafka!.brokers);
      onTestFinished(() => fleet.close());
      const observed = await fleet.aggregator();
      const others: AppProcess[] = [];
      const generator = fleet.generator(random);
      generator.start(REQUESTS_PER_SECOND);
      await waitFor('the first numbers', async () => (await observed.metrics()).requests.total > 0, 30_000);
      const observer = Observer.of(observed);
      onTestFinished(() => observer.stop());
      for (let change = 0; change < CHANGES; change += 1) {
        const mustGrow = others.length === 0 || (others.length < MOST_AGGREGATORS - 1 && random.chance(0.5));
        if (mustGrow) others.push(await fleet.aggregator());
        else await others.splice(random.integer(0, others.length - 1), 1)[0]!.signal(random.chance(0.7) ? 'SIGTERM' : 'SIGKILL');
        await wait(random.integer(0, 3_000));
      }
      observer.stop();
      await generator.stop();
      const documents = await agreement([observed, ...others], generator.ledger);
      for (const { data_quality: quality } of documents) {
        expect(quality).toMatchObject({ reconciled: true, events_missing: 0, duplicates_dropped: 0, dead_letters: 0 });
      }
      expect(observer.setbacks).toEqual([]);
      expect(observer.scrapes).toBeGreaterThan(10);
      expect(observer.longestPauseMs).toBeLessThan(LONGEST_PAUSE_MS);
      console.log(`longest pause ${Math.round(observer.longestPauseMs)} ms in ${observer.scrapes} scrapes`);
    },
  );
});
