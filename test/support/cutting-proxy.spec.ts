import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { CuttingProxy } from './cutting-proxy.js';
import { canStartKafka, KafkaBroker } from './kafka.js';

const canStart = await canStartKafka();

describe.skipIf(!canStart)('a cutting proxy', () => {
  let proxy: CuttingProxy;
  let broker: KafkaBroker;
  let kafka: Kafka;
  let topic: string;
  let topics = 0;

  beforeAll(async () => {
    proxy = await CuttingProxy.start();
    broker = await KafkaBroker.start({ advertisedPort: proxy.port });
    proxy.pointTo(broker.port);
    kafka = new Kafka({ brokers: [broker.brokers], logLevel: logLevel.NOTHING, requestTimeout: 1_000, retry: { retries: 0 } });
  });
  afterAll(async () => {
    await broker?.stop();
    await proxy?.close();
  });

  beforeEach(async () => {
    topic = `topic-${(topics += 1)}`;
    await withAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true }));
  });

  async function withAdmin<T>(use: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
    const admin = kafka.admin();
    await admin.connect();
    try {
      return await use(admin);
    } finally {
      await admin.disconnect();
    }
  }

  async function stored(): Promise<number> {
    const offsets = await withAdmin((admin) => admin.fetchTopicOffsets(topic));
    return Number(offsets[0]?.high);
  }

  async function send(): Promise<boolean> {
    const producer = kafka.producer();
    onTestFinished(() => producer.disconnect());
    await producer.connect();
    return producer.send({ topic, acks: -1, messages: [{ value: 'x', partition: 0 }] }).then(
      () => true,
      () => false,
    );
  }

  it('lets everything pass that it is not told to stop', async () => {
    expect(await send()).toBe(true);
    expect([await stored(), proxy.cuts]).toEqual([1, 0]);
  });

  it('cuts the answer to a Produce request after the append, as often as it was told', async () => {
    proxy.cutProduceAnswers(2);
    expect([await send(), await send(), await send()]).toEqual([false, false, true]);
    expect([await stored(), proxy.cuts]).toEqual([3, 2]);
  });

  it('lets nothing pass while it is a black hole, and all of it afterwards', async () => {
    const before = await send();
    proxy.blackhole(true);
    const during = await kafka
      .admin()
      .connect()
      .then(
        () => true,
        () => false,
      );
    proxy.blackhole(false);
    expect([before, during, await send()]).toEqual([true, false, true]);
  });
});
