import { Kafka, logLevel } from 'kafkajs';
import type { TopicDefinition, Topics } from '#libs/contracts';
import { PATIENCE_MS, replaceTopic, withKafkaAdmin } from '../../support/kafka-admin.js';

/** Compaction and retention at once, on records that are seconds old. */
const HASTY = { 'segment.ms': '1000', 'min.cleanable.dirty.ratio': '0.01', 'min.compaction.lag.ms': '0', 'delete.retention.ms': '1000' };

/** Creates the topics as an app would, but for the configuration of some, by their place in `Topics`. */
export function createTopics(
  brokers: string,
  topics: Topics,
  config: Partial<Record<keyof Topics, Readonly<Record<string, string>>>>,
): Promise<unknown> {
  const places = Object.keys(topics) as (keyof Topics)[];
  return withKafkaAdmin(brokers, (admin) =>
    admin.createTopics({ timeout: PATIENCE_MS, topics: places.map((place) => creation(topics[place], config[place] ?? {})) }),
  );
}

/** Rollups that are compacted all the time. */
export function hastyRollups(brokers: string): (topics: Topics) => Promise<unknown> {
  return (topics) => createTopics(brokers, topics, { rollups: HASTY });
}

function creation({ name, partitions, policy, retentionMs }: TopicDefinition, config: Readonly<Record<string, string>>) {
  const all = {
    'cleanup.policy': policy,
    'message.timestamp.type': 'LogAppendTime',
    ...(retentionMs !== undefined && { 'retention.ms': String(retentionMs) }),
    ...config,
  };
  return { topic: name, numPartitions: partitions, configEntries: Object.entries(all).map(([key, value]) => ({ name: key, value })) };
}

/** Deletes the topic and creates it anew, empty. */
export async function recreate(brokers: string, topic: TopicDefinition): Promise<void> {
  await replaceTopic(brokers, creation(topic, {}));
}

/** The offset after the newest record of every partition. */
export async function endOffsets(brokers: string, topic: string): Promise<ReadonlyMap<number, bigint>> {
  const offsets = await withKafkaAdmin(brokers, (admin) => admin.fetchTopicOffsets(topic));
  return new Map(offsets.map(({ partition, high }) => [partition, BigInt(high)]));
}

/** Deletes every record below these offsets, as retention does. */
export async function deleteBelow(brokers: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void> {
  const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: String(offset) }));
  await withKafkaAdmin(brokers, async (admin) => {
    // Until it is asked for something else, this client does not know the topic.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions });
  });
}

/** Appends raw bytes, of any size that the topic takes. */
export async function appendRaw(
  brokers: string,
  topic: string,
  records: readonly { readonly partition: number; readonly key: string; readonly value: Buffer | null }[],
): Promise<void> {
  const producer = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  try {
    for (const record of records) await producer.send({ topic, acks: -1, messages: [record] });
  } finally {
    await producer.disconnect();
  }
}
