import { randomUUID } from 'node:crypto';
import { EventSource, type RequestStarted } from '#libs/contracts';
import { openEventLog, Outbox, partitionOf, type EventLog, type OutgoingRecord } from '#libs/event-log';
import kafkajs from 'kafkajs';
import type { BenchRow } from './bench-row.js';

const PARTITIONS = 6;
const EVENT_BYTES = 480;
const BATCH = 1000;
const BATCHES = 300;
const ROUNDS = 3;
const OFFERS = 60_000;
const IDLE_MS = 5_000;

/** The Kafka adapter on the broker of KAFKA_BROKERS, beside a kafkajs consumer that only counts, on the same topic in the same run. */
export async function run(): Promise<BenchRow[]> {
  const brokers = process.env['KAFKA_BROKERS'];
  if (!brokers) {
    console.error('SKIPPED: kafka: it needs a broker; start one with `npm run kafka` and set KAFKA_BROKERS=host:port');
    return [];
  }
  const log = await openEventLog(`kafka://${brokers}`);
  const topic = `bench.${randomUUID()}`;
  await log.ensureTopics([{ name: topic, partitions: PARTITIONS, policy: 'delete', retentionMs: 600_000 }]);
  try {
    const produce = await produceRow(log, topic);
    return [produce, await outboxRow(log), ...(await consumeRows(log, brokers, topic)), await idleRow(log, topic)];
  } finally {
    await log.close();
    await deleteTopics(brokers, [topic]);
  }
}

/** CPU time of this process per event, in µs: the broker's is not in it. */
async function costOf(events: number, work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / events;
}

async function produceRow(log: EventLog, topic: string): Promise<BenchRow> {
  const batch = batchOfEvents();
  const value = await costOf(BATCH * BATCHES, async () => {
    for (let index = 0; index < BATCHES; index += 1) await log.append(topic, batch);
  });
  return { name: `append, acks=all, ${BATCH} events of ${EVENT_BYTES} B`, value, unit: 'µs CPU/event' };
}

function batchOfEvents(): readonly OutgoingRecord[] {
  return Array.from({ length: BATCH }, (_, index) => {
    const key = `0198c1d4-7a3e-7000-8000-${String(index).padStart(12, '0')}`;
    return { partition: partitionOf(key, PARTITIONS), key, value: Buffer.alloc(EVENT_BYTES, index % 251) };
  });
}

/** What a gateway pays for one event, from `offer` to the broker's answer. */
async function outboxRow(log: EventLog): Promise<BenchRow> {
  const topic = `bench.${randomUUID()}`;
  await log.ensureTopics([{ name: topic, partitions: PARTITIONS, policy: 'delete', retentionMs: 600_000 }]);
  const outbox = new Outbox(log, topic, PARTITIONS, new EventSource('/gateways/bench', 'boot'), { capacity: OFFERS });
  const value = await costOf(OFFERS, async () => {
    for (let index = 0; index < OFFERS; index += 1) {
      outbox.offer('io.inferometer.request.started.v1', `request-${index}`, started(index));
      if (index % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await outbox.close();
  });
  return { name: 'gateway: an event through the outbox to the broker', value, unit: 'µs CPU/event', bar: '<= 20', met: value <= 20 };
}

function started(index: number): RequestStarted {
  return { request_id: `request-${index}`, operation: 'chat', model: 'demo-7b', stream: true, queue_ms: 0.1, upstream: '0' };
}

async function consumeRows(log: EventLog, brokers: string, topic: string): Promise<BenchRow[]> {
  const total = BATCH * BATCHES;
  const rounds: { readonly ours: number; readonly theirs: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const theirs = await costOf(total, () => countWithKafkajs(brokers, topic, total));
    const ours = await costOf(total, () => countWithOurs(log, topic, total));
    rounds.push({ ours, theirs });
  }
  const ours = median(rounds.map((round) => round.ours));
  const ratio = median(rounds.map((round) => round.ours / round.theirs));
  return [
    { name: 'consume and count, kafkajs consumer', value: median(rounds.map(({ theirs }) => theirs)), unit: 'µs CPU/event' },
    { name: 'consume and count, event log', value: ours, unit: 'µs CPU/event', bar: '<= 3', met: ours <= 3 },
    { name: 'event log against kafkajs consumer', value: ratio, unit: 'ratio', bar: '<= 1', met: ratio <= 1 },
  ];
}

async function countWithOurs(log: EventLog, topic: string, total: number): Promise<void> {
  const done = Promise.withResolvers<void>();
  let read = 0;
  const consumption = await log.consume(topic, `bench-${randomUUID()}`, {
    assigned: async () => 'beginning',
    async batch(_partition, records) {
      read += records.length;
      if (read === total) done.resolve();
    },
    revoked: async () => {},
  });
  await done.promise;
  await consumption.close();
}

/** Resolves when a kafkajs consumer that does nothing else has counted `total` records. */
export async function countWithKafkajs(brokers: string, topic: string, total: number): Promise<void> {
  const done = Promise.withResolvers<void>();
  const consumer = clientOf(brokers).consumer({ groupId: `bench-${randomUUID()}` });
  let read = 0;
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    partitionsConsumedConcurrently: PARTITIONS,
    eachBatch: async ({ batch }) => {
      read += batch.messages.length;
      if (read >= total) done.resolve();
    },
  });
  await done.promise;
  await consumer.disconnect();
}

async function idleRow(log: EventLog, topic: string): Promise<BenchRow> {
  const consumption = await log.consume(topic, 'idle', { assigned: async () => 'end', batch: async () => {}, revoked: async () => {} });
  const following = await log.follow(topic, 'end', { records: () => {} });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const value = await costOf(IDLE_MS * 10, () => new Promise((resolve) => setTimeout(resolve, IDLE_MS)));
  await following.close();
  await consumption.close();
  return { name: 'connected and idle: one consumption, one following', value, unit: '% of a core', bar: '<= 0.5', met: value <= 0.5 };
}

/** Removes topics that a bench made. */
export async function deleteTopics(brokers: string, topics: readonly string[]): Promise<void> {
  const admin = clientOf(brokers).admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [...topics] });
  await admin.disconnect();
}

function clientOf(brokers: string) {
  return new kafkajs.Kafka({ brokers: brokers.split(','), logCreator: () => () => {} });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
