import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { kafkaForTests } from '../support/kafka.js';
import { agreement, Fleet } from './harness/fleet.js';
import { hastyRollups } from './harness/kafka-admin.js';
import { inLongRun, randomFor, rounds } from './harness/plan.js';

const ROUNDS = rounds(3);
const REQUESTS_PER_SECOND = inLongRun(1_000, 200);
/** Snapshots as often as they can be: a kill strikes in one more often than not. */
const OFTEN = { SNAPSHOT_INTERVAL_MS: '50' };

const kafka = await kafkaForTests();

describe.skipIf(!kafka)('fault 5: aggregators are killed before, in and after a snapshot', () => {
  it(`counts everything once through ${ROUNDS} kills`, { timeout: 60_000 + 30_000 * ROUNDS }, async () => {
    const random = randomFor('aggregator killed');
    const fleet = await Fleet.on(kafka!.brokers, hastyRollups(kafka!.brokers));
    onTestFinished(() => fleet.close());
    const aggregators = [await fleet.aggregator(OFTEN), await fleet.aggregator(OFTEN)];
    const generator = fleet.generator(random);
    generator.start(REQUESTS_PER_SECOND);
    for (let round = 0; round < ROUNDS; round += 1) {
      await wait(random.integer(0, 4_000));
      const victim = random.integer(0, 1);
      await aggregators[victim]!.signal('SIGKILL');
      aggregators[victim] = await fleet.aggregator(OFTEN);
    }
    await generator.stop();
    const documents = await agreement(aggregators, generator.ledger);
    for (const { data_quality: quality } of documents) {
      expect(quality).toMatchObject({ reconciled: true, events_missing: 0, duplicates_dropped: 0, dead_letters: 0 });
    }
  });
});
