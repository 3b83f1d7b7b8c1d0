import { describe, expect, it, onTestFinished } from 'vitest';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { canStartKafka, KafkaBroker } from '../support/kafka.js';
import { waitFor } from '../support/wait.js';
import { agreement, Fleet } from './harness/fleet.js';
import { inLongRun, randomFor } from './harness/plan.js';

const CUTS = inLongRun(200, 15);
const REQUESTS_PER_SECOND = 300;

const canStart = await canStartKafka();

describe.skipIf(!canStart)('fault 2: the connection is cut after the append', () => {
  it(`counts everything once through ${CUTS} cuts`, { timeout: 600_000 }, async () => {
    const random = randomFor('cut after append');
    const proxy = await CuttingProxy.start();
    onTestFinished(() => proxy.close());
    const broker = await KafkaBroker.start({ advertisedPort: proxy.port });
    onTestFinished(() => broker.stop());
    proxy.pointTo(broker.port);
    const fleet = await Fleet.on(broker.brokers);
    onTestFinished(() => fleet.close());
    const aggregators = await fleet.aggregators(2);
    const generator = fleet.generator(random);
    generator.start(REQUESTS_PER_SECOND);
    proxy.cutProduceAnswers(CUTS, () => random.chance(0.3));
    await waitFor('all cuts', async () => proxy.cuts === CUTS, 300_000);
    await generator.stop();
    expect(generator.dropped).toBe(0);
    const documents = await agreement(aggregators, generator.ledger);
    for (const { data_quality: quality } of documents)
      expect(quality).toMatchObject({ reconciled: true, events_missing: 0, dead_letters: 0 });
    console.log(`${CUTS} cuts, ${generator.ledger.total} requests, ${documents[0]!.data_quality.duplicates_dropped} duplicates dropped`);
  });
});
