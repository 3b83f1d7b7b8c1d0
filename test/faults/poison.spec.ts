import { describe, expect, it, onTestFinished } from 'vitest';
import { EventSource } from '#libs/contracts';
import { kafkaForTests } from '../support/kafka.js';
import { onePlanned, eventsOf } from '../support/traffic.js';
import { agreement, Fleet } from './harness/fleet.js';
import { appendRaw, createTopics } from './harness/kafka-admin.js';
import { randomFor } from './harness/plan.js';
import { readTopic } from './harness/read-topic.js';

const FIVE_MEGABYTES = 5_000_000;

const kafka = await kafkaForTests();

/** One of each kind of poison, for each partition; by the reason that it is to be put aside for. */
function poisons(): readonly (readonly [reason: string, value: Buffer | null])[] {
  const [event] = eventsOf(onePlanned(), new EventSource('/gateways/poison', 'boot'), 0, Date.now());
  const changed = (change: object): Buffer => Buffer.from(JSON.stringify({ ...event, ...change }));
  return [
    ['empty', null],
    ['not_json', Buffer.from('{"specversion":')],
    ['not_json', Buffer.from(JSON.stringify(event).replace('"max_tokens":5', '"max_tokens":NaN'))],
    ['not_json', Buffer.from([0xff, 0xfe, 0x00])],
    ['unsupported_version', changed({ type: 'io.inferometer.request.received.v9' })],
    ['unknown_type', changed({ type: 'com.example.order.placed.v1' })],
    ['bad_field', changed({ sequence: -1 })],
    ['too_large', Buffer.from(`{"padding":"${'x'.repeat(FIVE_MEGABYTES)}"}`)],
  ];
}

describe.skipIf(!kafka)('fault 13: records that are no events', () => {
  it('are put aside once each, with at most 1 KB of them, and hold nothing up', { timeout: 180_000 }, async () => {
    const random = randomFor('poison');
    const large = { 'max.message.bytes': String(2 * FIVE_MEGABYTES) };
    const fleet = await Fleet.on(kafka!.brokers, (topics) => createTopics(kafka!.brokers, topics, { requests: large }));
    onTestFinished(() => fleet.close());
    const aggregators = await fleet.aggregators(2);
    const generator = fleet.generator(random);
    await generator.burst(500);
    const topic = fleet.topics.requests.name;
    const records = Array.from({ length: 6 }, (_unused, partition) =>
      poisons().map(([, value]) => ({ partition, key: 'poison', value })),
    ).flat();
    await appendRaw(kafka!.brokers, topic, records);
    await generator.burst(500);
    await generator.stop();
    const documents = await agreement(aggregators, generator.ledger);
    for (const { data_quality: quality } of documents) {
      expect(quality).toMatchObject({ reconciled: true, events_missing: 0, duplicates_dropped: 0, dead_letters: records.length });
    }
    const letters = (await readTopic(fleet.log, fleet.topics.deadLetter.name)).map(
      ({ value }) => JSON.parse(Buffer.from(value!).toString()) as Letter,
    );
    expect(letters.map(({ reason }) => reason).toSorted()).toEqual(
      Array.from({ length: 6 }, () => poisons().map(([reason]) => reason))
        .flat()
        .toSorted(),
    );
    expect(new Set(letters.map(({ partition, offset }) => `${partition}/${offset}`)).size).toBe(records.length);
    for (const { record_base64: kept } of letters) expect(Buffer.from(kept, 'base64').length).toBeLessThanOrEqual(1_024);
  });
});

interface Letter {
  readonly partition: number;
  readonly offset: string;
  readonly reason: string;
  readonly record_base64: string;
}
