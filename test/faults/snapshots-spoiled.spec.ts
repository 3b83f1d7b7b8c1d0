import { describe, expect, it, onTestFinished } from 'vitest';
import type { MetricsDocument } from '#libs/contracts';
import type { LogRecord, OutgoingRecord } from '#libs/event-log';
import { kafkaForTests } from '../support/kafka.js';
import { waitFor } from '../support/wait.js';
import { agreement, Fleet } from './harness/fleet.js';
import { deleteBelow, endOffsets, hastyRollups, recreate } from './harness/kafka-admin.js';
import type { LoadGenerator } from './harness/load-generator.js';
import { inLongRun, randomFor, type Random } from './harness/plan.js';
import type { AppProcess } from './harness/processes.js';
import { publishedOffsets } from './harness/published.js';
import { readTopic } from './harness/read-topic.js';
import { TopicLedger } from './harness/topic-ledger.js';

const REQUESTS = inLongRun(100_000, 3_000);
const PARTITIONS = 6;

const kafka = await kafkaForTests();

async function fleet(): Promise<Fleet> {
  const started = await Fleet.on(kafka!.brokers, hastyRollups(kafka!.brokers));
  onTestFinished(() => started.close());
  return started;
}

/** Load, counted by aggregators that are then ended. */
async function counted(
  one: Fleet,
  random: Random,
  load: (generator: LoadGenerator) => Promise<void> = (generator) => generator.burst(REQUESTS),
) {
  const aggregators = await one.aggregators(2);
  const generator = one.generator(random);
  await load(generator);
  await generator.stop();
  await agreement(aggregators, generator.ledger);
  await Promise.all(aggregators.map((each) => each.signal('SIGTERM')));
  return generator;
}

/** As much load as it takes for a base of every partition to be written; smaller loads leave nothing but deltas. */
async function untilBases(one: Fleet, generator: LoadGenerator): Promise<void> {
  const heads = async () =>
    new Set((await readTopic(one.log, one.topics.rollups.name)).map(({ key }) => /^requests-(\d+)\/.*\/head$/.exec(key)?.[1]));
  await waitFor(
    'a base of every partition',
    async () => {
      await generator.burst(5_000);
      return [...(await heads())].filter(Boolean).length === PARTITIONS;
    },
    90_000,
  );
}

/** The same key again, with a value that is cut off, has one bit turned, or is nothing at all. */
function spoiled({ partition, key, value }: LogRecord, random: Random): OutgoingRecord {
  const bytes = Buffer.from(value!);
  const how = random.integer(0, 2);
  if (how === 0) return { partition, key, value: bytes.subarray(0, random.integer(0, bytes.length - 1)) };
  if (how === 1) return { partition, key, value: Buffer.from('{"format":99}') };
  const place = random.integer(0, bytes.length - 1);
  bytes[place] = bytes[place]! ^ (1 << random.integer(0, 7));
  return { partition, key, value: bytes };
}

/** What nobody of ours has written: heads without what they vouch for, in this and other formats, and what is as large as a record can be. */
function forged(partition: number): OutgoingRecord[] {
  const head = { format: 4, state: { next: '999999999' }, lag: 0, bytes: 1, manifest: [['a', 'nothing']] };
  const record = (key: string, value: string): OutgoingRecord => ({
    partition,
    key: `requests-${partition}/${key}`,
    value: Buffer.from(value),
  });
  return [
    record('ghost.1/head', JSON.stringify(head)),
    record('ghost.2/head', JSON.stringify({ ...head, format: 1_000 })),
    record('ghost.3/head', 'x'.repeat(900_000)),
    record('ghost.4/delta/0', '[]'),
    { partition, key: 'no key of ours', value: Buffer.from('{}') },
  ];
}

async function qualityOf(aggregator: AppProcess): Promise<MetricsDocument['data_quality']> {
  return (await aggregator.metrics()).data_quality;
}

/** Requests that are still told of in the topic, as lines; those whose beginning is gone count by their end. */
async function remaining(one: Fleet): Promise<TopicLedger> {
  return TopicLedger.read(one.log, one.topics.requests.name);
}

describe.skipIf(!kafka)('snapshots', () => {
  it('fault 6: are torn, corrupt, forged and oversize: the state is made without them', { timeout: 180_000 }, async () => {
    const random = randomFor('snapshots spoiled');
    const one = await fleet();
    const generator = await counted(one, random, (load) => untilBases(one, load));
    const { name } = one.topics.rollups;
    const records = await readTopic(one.log, name);
    const victims = records.filter(({ value }) => value !== null && random.chance(0.5)).map((record) => spoiled(record, random));
    const forgeries = Array.from({ length: PARTITIONS }, (_unused, partition) => forged(partition)).flat();
    for (const record of [...victims, ...forgeries]) await one.log.append(name, [record]);
    const aggregators = await one.aggregators(2);
    const later = one.generator(random);
    await later.burst(500);
    await later.stop();
    const documents = await agreement(aggregators, generator.ledger.add(later.ledger));
    for (const { data_quality: quality } of documents) {
      expect(quality).toMatchObject({ reconciled: true, events_missing: 0, duplicates_dropped: 0, state_gap_events: 0 });
    }
    const alarms = await Promise.all(aggregators.map((each) => each.get('/metrics')));
    for (const { body } of alarms) expect(body).toMatch(/^inferometer_rollups_rejected\S* [1-9]/m);
    console.log(`${victims.length} of ${records.length} records spoiled`);
  });

  it('fault 7: are all gone, and the input is there: the state is made from the input', { timeout: 180_000 }, async () => {
    const one = await fleet();
    const generator = await counted(one, randomFor('snapshots gone'));
    await recreate(kafka!.brokers, one.topics.rollups);
    const aggregators = await one.aggregators(2);
    await agreement(aggregators, generator.ledger);
    for (const each of aggregators) expect(await qualityOf(each)).toMatchObject({ reconciled: true, state_gap_events: 0 });
  });

  it('fault 7: are all gone while they are used: nothing is lost, and a new replica finds its way', { timeout: 180_000 }, async () => {
    const one = await fleet();
    const aggregators = await one.aggregators(2);
    const generator = one.generator(randomFor('snapshots gone in use'));
    await generator.burst(REQUESTS);
    await recreate(kafka!.brokers, one.topics.rollups);
    await generator.burst(REQUESTS);
    await generator.stop();
    await agreement(aggregators, generator.ledger);
    const late = await one.aggregator();
    for (const each of aggregators) await each.signal('SIGTERM');
    await agreement([late], generator.ledger);
    expect(await qualityOf(late)).toMatchObject({ reconciled: true, state_gap_events: 0 });
  });

  it('fault 7: are all gone, and a part of the input too: what is missing is counted exactly', { timeout: 180_000 }, async () => {
    const random = randomFor('snapshots and input gone');
    const one = await fleet();
    await counted(one, random);
    const ends = await endOffsets(kafka!.brokers, one.topics.requests.name);
    const cuts = new Map([...ends].map(([partition, end]) => [partition, (end * BigInt(random.integer(1, 90))) / 100n]));
    await deleteBelow(kafka!.brokers, one.topics.requests.name, cuts);
    await recreate(kafka!.brokers, one.topics.rollups);
    const aggregators = await one.aggregators(2);
    await agreement(aggregators, (await remaining(one)).ledger);
    const gone = [...cuts.values()].reduce((sum, cut) => sum + Number(cut), 0);
    for (const each of aggregators) expect(await qualityOf(each)).toMatchObject({ reconciled: false, state_gap_events: gone });
  });

  it('fault 7: are older than the oldest input that is left: what is missing is counted exactly', { timeout: 180_000 }, async () => {
    const random = randomFor('input gone');
    const one = await fleet();
    const generator = await counted(one, random);
    const published = await publishedOffsets(one.log, one.topics.rollups.name, PARTITIONS);
    const unread = one.generator(random);
    await unread.burst(REQUESTS);
    await unread.stop();
    const ends = await endOffsets(kafka!.brokers, one.topics.requests.name);
    const cuts = new Map(
      [...published].map(([partition, next]) => [partition, next + ((ends.get(partition)! - next) * BigInt(random.integer(1, 90))) / 100n]),
    );
    await deleteBelow(kafka!.brokers, one.topics.requests.name, cuts);
    const aggregators = await one.aggregators(2);
    // The old requests are in the published state and the others in what is left of the input.
    const left = (await remaining(one)).only((id) => id.startsWith('generator-2-'));
    await agreement(aggregators, generator.ledger.add(left.ledger));
    const gone = [...cuts].reduce((sum, [partition, cut]) => sum + Number(cut - published.get(partition)!), 0);
    for (const each of aggregators) expect(await qualityOf(each)).toMatchObject({ reconciled: false, state_gap_events: gone });
  });
});
