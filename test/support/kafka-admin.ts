import kafkajs, { type Admin, type ITopicConfig, type Kafka } from 'kafkajs';
import { waitFor } from './wait.js';

/** A broker on a busy machine takes its time. */
export const PATIENCE_MS = 30_000;

/** Does with kafkajs's own admin client what the event log does not offer: deleting topics, adding partitions, foreign settings. */
export async function withKafkaAdmin<T>(brokers: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = clientOf(brokers).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Deletes a topic and creates it anew, empty, with the settings of ours. */
export async function recreateTopic(brokers: string, topic: string, partitions: number): Promise<void> {
  const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }];
  await replaceTopic(brokers, { topic, numPartitions: partitions, replicationFactor: 1, configEntries });
}

/** Deletes a topic and creates it as told. Whoever else has created it in between has done as well. */
export async function replaceTopic(brokers: string, creation: ITopicConfig): Promise<void> {
  await withKafkaAdmin(brokers, async (admin) => {
    const isThere = async () => (await admin.listTopics()).includes(creation.topic);
    await admin.deleteTopics({ topics: [creation.topic] });
    await waitFor(`${creation.topic} to be gone`, async () => !(await isThere()), PATIENCE_MS);
    // An answer that comes too late is one to a topic that was created.
    const create = () => admin.createTopics({ timeout: PATIENCE_MS, topics: [creation] }).catch(() => false);
    await waitFor(`${creation.topic} to be there again`, async () => (await create()) || (await isThere()), 2 * PATIENCE_MS);
  });
}

export interface ForeignRecord {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** The first `count` records of a topic, as kafkajs's own consumer reads them. */
export async function readWithKafkajs(brokers: string, topic: string, count: number): Promise<readonly ForeignRecord[]> {
  const consumer = clientOf(brokers).consumer({ groupId: `${topic}.foreign` });
  const records: ForeignRecord[] = [];
  const done = Promise.withResolvers<void>();
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message: { key, value, headers = {} } }) => {
      const texts = Object.entries(headers).map(([name, text]): [string, string] => [name, String(text)]);
      records.push({ key: key && key.toString(), value: value && value.toString(), headers: Object.fromEntries(texts) });
      if (records.length === count) done.resolve();
    },
  });
  await done.promise;
  await consumer.disconnect();
  return records;
}

/** Writes with kafkajs's own producer, compressed, each value under a null key. */
export async function writeWithKafkajs(brokers: string, topic: string, values: readonly string[]): Promise<void> {
  const producer = clientOf(brokers).producer();
  await producer.connect();
  await producer.send({
    topic,
    compression: kafkajs.CompressionTypes.GZIP,
    messages: values.map((value) => ({ key: null, value, partition: 0 })),
  });
  await producer.disconnect();
}

function clientOf(brokers: string): Kafka {
  return new kafkajs.Kafka({ brokers: brokers.split(','), logCreator: () => () => {} });
}
