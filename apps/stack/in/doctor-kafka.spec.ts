import { randomUUID } from 'node:crypto';
import { topicsOf } from '#libs/contracts';
import { openEventLog } from '#libs/event-log';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { withKafkaAdmin } from '../../../test/support/kafka-admin.js';
import { canStartKafka, kafkaForTests, KafkaBroker } from '../../../test/support/kafka.js';
import { waitFor } from '../../../test/support/wait.js';
import { testFolder, visit, type Visit } from './doctor.fixture.js';

const kafka = await kafkaForTests();
const startsKafka = await canStartKafka();
const PASSWORD = 'correct horse';

function ownPrefix(): string {
  return `doctor.${randomUUID()}.`;
}

/** Settings of a topic that is not made by us. */
function entries(more: Readonly<Record<string, string>>) {
  return Object.entries({ 'message.timestamp.type': 'LogAppendTime', ...more }).map(([name, value]) => ({ name, value }));
}

describe.skipIf(!kafka)('the doctor at a Kafka cluster', () => {
  const url = `kafka://${kafka?.brokers}`;

  async function examined(prefix: string): Promise<Visit> {
    return visit({ EVENT_LOG_URL: url, EVENT_LOG_TOPIC_PREFIX: prefix, SPOOL_DIR: testFolder() });
  }

  it('finds nothing wrong before a first start, and creates no topic', async () => {
    const prefix = ownPrefix();
    const found = await examined(prefix);
    expect(found.code).toBe(0);
    expect(found.of('event log')).toEqual([expect.stringMatching(/^ok Kafka, \d brokers?: \S+ answers in \d+ ms, no TLS, no login$/)]);
    expect(found.of('topics')).toEqual([expect.stringMatching(/^ok none yet: .* will be made by the first process that starts$/)]);
    expect(found.of('clock')).toEqual([expect.stringMatching(/^skip nothing is being appended/)]);
    const topics = await withKafkaAdmin(kafka!.brokers, (admin) => admin.listTopics());
    expect(topics.filter((name) => name.startsWith(prefix))).toEqual([]);
  });

  it('compares the clock by a record that is appended while it looks', async () => {
    const prefix = ownPrefix();
    const { requests, ...others } = topicsOf(prefix);
    const log = await openEventLog(url);
    onTestFinished(() => log.close());
    await log.ensureTopics([requests, ...Object.values(others)]);
    const ending = new AbortController();
    const appending = (async () => {
      while (!ending.signal.aborted) {
        await log.append(requests.name, [{ partition: 3, key: 'k', value: Buffer.from('{}') }]);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    const found = await examined(prefix);
    ending.abort();
    await appending;
    expect(found.code).toBe(0);
    expect(found.of('clock')).toEqual([expect.stringMatching(/^ok within \d\.\d s of the broker’s, by a record that was just appended$/)]);
    expect(found.of('topics')).toEqual([
      `ok partitions: ${prefix}requests 6, ${prefix}gpus 6, ${prefix}rollups 6, ${prefix}alerts 1, ${prefix}dead-letter 1; policies and timestamps as they have to be`,
    ]);
  });

  it('says what is wrong with topics that are there', async () => {
    const prefix = ownPrefix();
    await withKafkaAdmin(kafka!.brokers, (admin) =>
      admin.createTopics({
        topics: [
          { topic: `${prefix}requests`, numPartitions: 6, configEntries: entries({ 'cleanup.policy': 'compact' }) },
          { topic: `${prefix}gpus`, numPartitions: 6, configEntries: entries({ 'retention.ms': '3600000' }) },
          { topic: `${prefix}rollups`, numPartitions: 2, configEntries: entries({ 'cleanup.policy': 'compact' }) },
          { topic: `${prefix}alerts`, numPartitions: 1, configEntries: entries({ 'message.timestamp.type': 'CreateTime' }) },
        ],
      }),
    );
    const found = await examined(prefix);
    expect(found.code).toBe(1);
    expect(found.of('topics').map((line) => line.replaceAll(prefix, ''))).toEqual([
      'ok partitions: gpus 6; policies and timestamps as they have to be',
      expect.stringMatching(/^fail topic requests exists with cleanup\.policy compact, but delete is needed/),
      'fail topic rollups exists with 2 partitions, but 6 are needed: add some',
      expect.stringMatching(/^fail topic alerts exists with cleanup\.policy delete/),
      expect.stringMatching(/^warn gpus keeps records for 1 hour, 7 days is usual/),
      'warn missing beside others that are there: dead-letter',
    ]);
  });
});

describe.skipIf(!startsKafka)('the doctor at a broker of its own', () => {
  let broker: KafkaBroker;

  beforeAll(async () => {
    const jaas = `org.apache.kafka.common.security.plain.PlainLoginModule required user_ann="${PASSWORD}";`;
    broker = await KafkaBroker.start({
      advertisedPort: 1,
      listeners: { LOGIN: 'SASL_PLAINTEXT' },
      properties: { 'sasl.enabled.mechanisms': 'PLAIN', 'listener.name.login.plain.sasl.jaas.config': jaas },
    });
  }, 90_000);
  afterAll(() => broker?.stop());

  const login = { EVENT_LOG_SASL_MECHANISM: 'plain', EVENT_LOG_SASL_USERNAME: 'ann', EVENT_LOG_SASL_PASSWORD: PASSWORD };
  const logLines = async (address: string, more: Readonly<Record<string, string>> = {}) => {
    const found = await visit({ EVENT_LOG_URL: `kafka://${address}`, SPOOL_DIR: testFolder(), ...more });
    expect(found.out).not.toContain(PASSWORD);
    return found.of('event log').map((line) => line.replaceAll(address, 'BROKER'));
  };

  it('is let in with the right password, and tells a wrong one from none', async () => {
    const address = broker.addressOf('LOGIN');
    expect(await logLines(address, login)).toEqual([
      expect.stringMatching(/^ok Kafka, 1 broker: BROKER answers in \d+ ms, no TLS, logged in with plain$/),
    ]);
    expect(await logLines(address, { ...login, EVENT_LOG_SASL_PASSWORD: 'battery staple' })).toEqual([
      'fail BROKER refuses the user, the password or the mechanism',
    ]);
    expect(await logLines(address, { ...login, EVENT_LOG_SASL_MECHANISM: 'scram-sha-256' })).toEqual([
      'fail BROKER refuses the user, the password or the mechanism',
    ]);
    expect(await logLines(address)).toEqual(['fail BROKER takes the connection and hangs up']);
  });

  it('tells that it speaks no TLS, and that it sends its clients to where nobody is', async () => {
    const address = `127.0.0.1:${broker.port}`;
    expect(await logLines(address, { EVENT_LOG_TLS: 'on' })).toEqual(['fail BROKER takes the connection and hangs up']);
    expect(await logLines(address)).toEqual([
      expect.stringMatching(/^ok Kafka, 1 broker: BROKER answers/),
      'fail the cluster sends its clients to 127.0.0.1:1, and there: 127.0.0.1:1 refuses connections: nothing listens there',
    ]);
    expect((await logLines(`${address},no-such-host.invalid:9092`)).at(1)).toBe(
      'warn no-such-host.invalid:9092 the name cannot be resolved',
    );
  });

  it('does not wait for one that hangs for longer than some seconds, and sees one that is gone', { timeout: 45_000 }, async () => {
    const address = broker.addressOf('LOGIN');
    await broker.pause();
    // The signal takes a moment to be heeded.
    const isSilent = async () => (await logLines(address, login)).join() === 'fail BROKER does not answer in time';
    await waitFor('the broker to be taken for silent', isSilent, 20_000);
    broker.resume();
    await broker.kill();
    expect(await logLines(address, login)).toEqual(['fail BROKER refuses connections: nothing listens there']);
  });
});
