import { describe, expect, it, onTestFinished } from 'vitest';
import { kafkaForTests } from '../support/kafka.js';
import { agreement, Fleet } from './harness/fleet.js';
import { inLongRun, randomFor } from './harness/plan.js';

const REQUESTS = inLongRun(330_000, 15_000);

const kafka = await kafkaForTests();

describe.skipIf(!kafka)('fault 0: none', () => {
  it(`counts ${REQUESTS} requests, three events each, on three aggregators exactly`, { timeout: 600_000 }, async () => {
    const random = randomFor('no fault');
    const fleet = await Fleet.on(kafka!.brokers);
    onTestFinished(() => fleet.close());
    const aggregators = await fleet.aggregators(3);
    const generators = [fleet.generator(random), fleet.generator(random)];
    await Promise.all(generators.map((one) => one.burst(REQUESTS / 2)));
    await Promise.all(generators.map((one) => one.stop()));
    const ledger = generators[0]!.ledger.add(generators[1]!.ledger);
    const documents = await agreement(aggregators, ledger);
    expect(ledger.total).toBe(REQUESTS);
    for (const { data_quality: quality } of documents) {
      expect(quality).toMatchObject({ reconciled: true, events_missing: 0, duplicates_dropped: 0, dead_letters: 0 });
    }
  });
});
