import { describe, expect, it, onTestFinished } from 'vitest';
import { kafkaForTests } from '../support/kafka.js';
import { waitFor } from '../support/wait.js';
import { agreement, Fleet } from './harness/fleet.js';
import { withKafkaAdmin } from '../support/kafka-admin.js';
import { recreate } from './harness/kafka-admin.js';
import { randomFor } from './harness/plan.js';

const REQUESTS_PER_SECOND = 200;

const kafka = await kafkaForTests();

async function fleet(): Promise<Fleet> {
  const started = await Fleet.on(kafka!.brokers);
  onTestFinished(() => started.close());
  return started;
}

describe.skipIf(!kafka)('the topic of requests', () => {
  it('fault 12: gets more partitions while it is in use: all is counted once', { timeout: 180_000 }, async () => {
    const random = randomFor('more partitions');
    const one = await fleet();
    const aggregators = await one.aggregators(2);
    const before = one.generator(random);
    before.start(REQUESTS_PER_SECOND);
    await waitFor('the first numbers', async () => (await aggregators[0]!.metrics()).requests.total > 100, 30_000);
    const topic = one.topics.requests.name;
    await withKafkaAdmin(kafka!.brokers, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 12 }] }));
    const after = one.generator(random, { partitions: 12 });
    await waitFor('the new partitions', async () => (await one.log.partitions(topic)) === 12, 60_000);
    after.start(REQUESTS_PER_SECOND);
    await waitFor('much load on the new partitions', async () => after.ledger.total > 1_000, 60_000);
    await Promise.all([before.stop(), after.stop()]);
    const documents = await agreement(aggregators, before.ledger.add(after.ledger), 90_000);
    for (const { data_quality: quality } of documents) {
      expect(quality).toMatchObject({ reconciled: true, events_missing: 0, duplicates_dropped: 0, dead_letters: 0 });
    }
    await agreement([await one.aggregator()], before.ledger);
  });

  it('is deleted and created anew: that is said, and counting starts anew', { timeout: 180_000 }, async () => {
    const random = randomFor('topic replaced');
    const one = await fleet();
    const aggregators = await one.aggregators(2);
    const before = one.generator(random);
    await before.burst(2_000);
    await before.stop();
    await agreement(aggregators, before.ledger);
    await recreate(kafka!.brokers, one.topics.requests);
    const after = one.generator(random);
    await after.burst(500);
    await after.stop();
    await agreement(aggregators, after.ledger, 90_000);
    for (const each of aggregators) {
      const { data_quality: quality } = await each.metrics();
      expect(quality.topics_replaced).toBeGreaterThan(0);
    }
    expect(aggregators.map(({ output }) => output).join('')).toContain('replaced');
    await agreement([await one.aggregator()], after.ledger);
  });

  it('is replaced by a longer one while nobody looks: that is said, and counting starts anew', { timeout: 180_000 }, async () => {
    const random = randomFor('topic replaced unseen');
    const one = await fleet();
    const before = one.generator(random);
    await before.burst(300);
    await before.stop();
    const first = await one.aggregator();
    await agreement([first], before.ledger);
    await first.signal('SIGTERM');
    await recreate(kafka!.brokers, one.topics.requests);
    const after = one.generator(random);
    await after.burst(3_000);
    await after.stop();
    const second = await one.aggregator();
    const [{ data_quality: quality } = expect.fail()] = await agreement([second], after.ledger);
    expect(quality).toMatchObject({ topics_replaced: 6, state_gap_events: 0 });
    expect(second.output).toContain('replaced');
  });
});
