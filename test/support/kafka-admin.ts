import kafkajs, { type Admin, type Kafka } from 'kafkajs';

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
  await withKafkaAdmin(brokers, async (admin) => {
    await admin.deleteTopics({ topics: [topic] });
    const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }];
    const create = () => admin.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }] });
    // Deleting takes a moment.
    while (!(await create().catch(() => false))) await new Promise((resolve) => setTimeout(resolve, 50));
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
