import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { kafkaForTests } from '../support/kafka.js';
import { agreement, Fleet } from './harness/fleet.js';
import { hastyRollups } from './harness/kafka-admin.js';
import { inLongRun, randomFor, rounds } from './harness/plan.js';

const ROUNDS = rounds(1);
/** The group gives a silent member up after 10 s. */
const STOPPED_MS = inLongRun(45_000, 13_000);
const REQUESTS_PER_SECOND = inLongRun(1_000, 200);

const kafka = await kafkaForTests();

describe.skipIf(!kafka)('fault 4: an aggregator that was given up comes back', () => {
  it(`counts everything once, on both, with rollups compacted all the time, ${ROUNDS} rounds`, { timeout: 120_000 * ROUNDS }, async () => {
    const random = randomFor('zombie');
    const fleet = await Fleet.on(kafka!.brokers, hastyRollups(kafka!.brokers));
    onTestFinished(() => fleet.close());
    const aggregators = await fleet.aggregators(2);
    const generator = fleet.generator(random);
    generator.start(REQUESTS_PER_SECOND);
    for (let round = 0; round < ROUNDS; round += 1) {
      await wait(random.integer(2_000, 4_000));
      const zombie = random.pick(aggregators);
      await zombie.signal('SIGSTOP');
      await wait(STOPPED_MS);
      await zombie.signal('SIGCONT');
      await wait(random.integer(0, 3_000));
    }
    await generator.stop();
    const documents = await agreement(aggregators, generator.ledger);
    for (const { data_quality: quality } of documents) {
      expect(quality).toMatchObject({ reconciled: true, events_missing: 0, duplicates_dropped: 0, dead_letters: 0 });
    }
    // A new replica, which has only what the two have published, says the same.
    await agreement([await fleet.aggregator()], generator.ledger);
  });
});
