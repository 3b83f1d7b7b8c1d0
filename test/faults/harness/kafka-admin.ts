import { Kafka, logLevel, type Admin } from 'kafkajs';
import type { TopicDefinition, Topics } from '#libs/contracts';

/** What a test sets right on a cluster, or breaks, behind the apps' back. */
export async function withAdmin<T>(brokers: string, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Compaction and retention at once, on records that are seconds old. */
const HASTY = { 'segment.ms': '1000', 'min.cleanable.dirty.ratio': '0.01', 'min.compaction.lag.ms': '0', 'delete.retention.ms': '1000' };

/** Creates the topics as an app would, but for the configuration of some, by their place in `Topics`. */
export function createTopics(
  brokers: string,
  topics: Topics,
  config: Partial<Record<keyof Topics, Readonly<Record<string, string>>>>,
): Promise<unknown> {
  const places = Object.keys(topics) as (keyof Topics)[];
  return withAdmin(brokers, (admin) =>
    admin.createTopics({ waitForLeaders: true, topics: places.map((place) => creation(topics[place], config[place] ?? {})) }),
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
  await withAdmin(brokers, async (admin) => {
    await admin.deleteTopics({ topics: [topic.name] });
    // The name is free when the broker has let go of it.
    const deadline = Date.now() + 20_000;
    while (!(await admin.createTopics({ topics: [creation(topic, {})] }).catch(() => false))) {
      if (Date.now() > deadline) throw new Error(`${topic.name} could not be created anew`);
    }
  });
}

/** The offset after the newest record of every partition. */
export async function endOffsets(brokers: string, topic: string): Promise<ReadonlyMap<number, bigint>> {
  const offsets = await withAdmin(brokers, (admin) => admin.fetchTopicOffsets(topic));
  return new Map(offsets.map(({ partition, high }) => [partition, BigInt(high)]));
}

/** Deletes every record below these offsets, as retention does. */
export async function deleteBelow(brokers: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void> {
  const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: String(offset) }));
  await withAdmin(brokers, async (admin) => {
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
