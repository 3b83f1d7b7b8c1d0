import { describe, expect, it, onTestFinished } from 'vitest';
import type { MetricsDocument } from '#libs/contracts';
import type { EventLog } from '#libs/event-log';
import { kafkaForTests } from '../support/kafka.js';
import { agreement, Fleet } from './harness/fleet.js';
import { MessyLog } from './harness/messy-log.js';
import { inLongRun, randomFor } from './harness/plan.js';

const REQUESTS = inLongRun(100_000, 6_000);

const kafka = await kafkaForTests();

/** What has to be the same whatever the order of arrival. */
function essence({ requests, tokens, slo, latency, latency_histogram, errors, models }: MetricsDocument) {
  const { total, successful, failed, cancelled, lost, success_rate_percent, error_rate_percent } = requests;
  const counts = { total, successful, failed, cancelled, lost, success_rate_percent, error_rate_percent };
  const { ttft, sample_size, throughput } = slo;
  const speeds = [throughput.decoding_mean, throughput.decoding_p50];
  const ends = models.map(({ model, successful: good, lost: bad, ttft: { p99 } }) => [model, good, bad, p99]);
  return { counts, tokens, ttft, sample_size, speeds, latency, latency_histogram, errors, ends };
}

async function fleet(): Promise<Fleet> {
  const started = await Fleet.on(kafka!.brokers);
  onTestFinished(() => started.close());
  return started;
}

describe.skipIf(!kafka)('fault 9: events out of order, twice and late', () => {
  it('gives the same answers as without', { timeout: 600_000 }, async () => {
    const random = randomFor('messy delivery');
    const [clean, messy] = [await fleet(), await fleet()];
    const aggregators = [await clean.aggregator(), await messy.aggregator()];
    const log = new MessyLog(clean.log, clean.topics.requests.name, messy.topics.requests.name, random);
    const generator = clean.generator(random, { log: log as Partial<EventLog> as EventLog });
    await generator.burst(REQUESTS);
    await generator.stop();
    await log.settle();
    const [tidy, untidy] = await agreement(aggregators, generator.ledger);
    expect(essence(untidy!)).toEqual(essence(tidy!));
    expect(tidy!.data_quality).toMatchObject({ reconciled: true, events_missing: 0, duplicates_dropped: 0 });
    expect(untidy!.data_quality).toMatchObject({ reconciled: true, events_missing: 0, duplicates_dropped: log.duplicates });
  });
});
