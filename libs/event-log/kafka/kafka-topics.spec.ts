import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recreateTopic, withKafkaAdmin } from '../../../test/support/kafka-admin.js';
import { kafkaForTests } from '../../../test/support/kafka.js';
import { newTopic, Notebook, numbered, readAll, record, until } from '../contract/support.contract.js';
import { EventLogOpenError, type Bounds, type LogRecord } from '../event-log.js';
import { brokersIn } from './address.js';
import { KafkaEventLog } from './kafka-event-log.js';

const kafka = await kafkaForTests();
const brokers = kafka?.brokers ?? '';
const seeds = kafka ? brokersIn(`kafka://${brokers}`) : [];

async function foreignTopic(configs: Readonly<Record<string, string>>): Promise<string> {
  const topic = `foreign.${randomUUID()}`;
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
  await withKafkaAdmin(brokers, (admin) => admin.createTopics({ topics: [{ topic, numPartitions: 2, configEntries }] }));
  return topic;
}

describe.skipIf(kafka === undefined)('topics on a real broker', () => {
  let log: KafkaEventLog;
  beforeEach(() => {
    log = new KafkaEventLog({ seeds, metadataMaxAgeMs: 200 });
  });
  afterEach(() => log.close());

  it('are created with the broker as the clock', async () => {
    const topic = await newTopic(log);
    expect(await log.topics([topic])).toMatchObject([{ clock: 'log' }]);
    const resource = { type: 2, name: topic, configNames: ['message.timestamp.type'] };
    const { resources } = await withKafkaAdmin(brokers, (admin) =>
      admin.describeConfigs({ resources: [resource], includeSynonyms: false }),
    );
    expect(resources[0]?.configEntries[0]?.configValue).toBe('LogAppendTime');
  });

  it('are created once by many who ask at the same time', async () => {
    const name = `contract.${randomUUID()}`;
    const logs = Array.from({ length: 4 }, () => new KafkaEventLog({ seeds }));
    await Promise.all(logs.map((one) => one.ensureTopics([{ name, partitions: 3, policy: 'delete' }])));
    expect(await Promise.all(logs.map((one) => one.partitions(name)))).toEqual([3, 3, 3, 3]);
    await Promise.all(logs.map((one) => one.close()));
  });

  it.each([
    [{ 'message.timestamp.type': 'CreateTime' }, /message\.timestamp\.type CreateTime, but LogAppendTime is needed/],
    [{ 'message.timestamp.type': 'LogAppendTime', 'cleanup.policy': 'compact' }, /cleanup\.policy compact, but delete is needed/],
  ])('that exist with %j are refused, and it is said how to mend them', async (configs, message) => {
    const name = await foreignTopic(configs);
    const problem: unknown = await log.ensureTopics([{ name, partitions: 1, policy: 'delete' }]).catch((error: unknown) => error);
    expect(problem).toBeInstanceOf(EventLogOpenError);
    expect(problem).toMatchObject({ exitCode: 2, message: expect.stringMatching(message) as string });
  });

  it('that cannot be created as asked are the operator’s to mend', async () => {
    const greedy = new KafkaEventLog({ seeds, replicationFactor: 30 });
    await expect(greedy.ensureTopics([{ name: `contract.${randomUUID()}`, partitions: 1, policy: 'delete' }])).rejects.toThrow(
      EventLogOpenError,
    );
    await greedy.close();
  });

  it('deleted and created anew under a consumption are lost and gained again, and read from the new beginning', async () => {
    const topic = await newTopic(log, { partitions: 2 });
    await log.append(topic, [...numbered(0, 5, 'old'), ...numbered(1, 5, 'old')]);
    const bounds: Bounds[] = [];
    const member = new Notebook((_partition, held) => {
      bounds.push(held);
      return held.oldest;
    });
    const consumption = await log.consume(topic, 'g', member);
    await until('the old ones have been read', () => member.records.length === 10);
    await recreateTopic(brokers, topic, 2);
    // More than before, so that the old offset would be a valid one in the new topic.
    await until('they are stored', () =>
      log.append(topic, numbered(0, 20, 'new')).then(
        () => true,
        () => false,
      ),
    );
    await until('the new ones have been read', () => member.keys(0).includes('new19'), 20_000);
    expect(member.keys(0).slice(5)).toEqual(numbered(0, 20, 'new').map(({ key }) => key));
    await until('both are assigned again', () => member.calls.filter((call) => call.startsWith('assigned')).length === 4, 20_000);
    const of = (partition: number) => member.calls.filter((call) => call.endsWith(` ${partition}`));
    expect([of(0), of(1)]).toEqual([0, 1].map((partition) => [`assigned ${partition}`, `revoked ${partition}`, `assigned ${partition}`]));
    expect(bounds.slice(2).map(({ oldest }) => oldest)).toEqual([0n, 0n]);
    await consumption.close();
  });

  it.each([3n, 15n])('deleted and created anew while a handler gets ready for offset %s are lost and gained again', async (start) => {
    const topic = await newTopic(log, { partitions: 1 });
    await log.append(topic, numbered(0, 15, 'old'));
    const member = new Notebook();
    const assigned = member.assigned.bind(member);
    member.assigned = async (partition, bounds) => {
      await assigned(partition, bounds);
      if (member.calls.length > 1) return bounds.oldest;
      await recreateTopic(brokers, topic, 1);
      await until('they are stored', () =>
        log.append(topic, numbered(0, 8, 'new')).then(
          () => true,
          () => false,
        ),
      );
      return start;
    };
    const consumption = await log.consume(topic, 'g', member);
    await until('the new ones have been read', () => member.keys(0).includes('new7'), 20_000);
    expect(member.calls.slice(0, 3)).toEqual(['assigned 0', 'revoked 0', 'assigned 0']);
    expect(member.keys(0)).toEqual(numbered(0, 8, 'new').map(({ key }) => key));
    await consumption.close();
  });

  it('deleted and created anew under a following are read from their beginning', async () => {
    const topic = await newTopic(log, { partitions: 1 });
    await log.append(topic, numbered(0, 5, 'old'));
    const seen: LogRecord[] = [];
    const following = await log.follow(topic, 'beginning', { records: (_, batch) => void seen.push(...batch) });
    await following.caughtUp;
    await recreateTopic(brokers, topic, 1);
    await until('they are stored', () =>
      log.append(topic, numbered(0, 8, 'new')).then(
        () => true,
        () => false,
      ),
    );
    await until('they have been read', () => seen.at(-1)?.key === 'new7', 20_000);
    expect(seen.slice(5).map(({ offset }) => offset)).toEqual([0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n]);
    await following.catchUp();
    await following.close();
  });

  it('that get more partitions are shared, read and written anew', async () => {
    const topic = await newTopic(log, { partitions: 3 });
    const members = [new Notebook(), new Notebook()];
    const consumptions = [await log.consume(topic, 'g', members[0]!), await log.consume(topic, 'g', members[1]!)];
    const keys: string[] = [];
    const following = await log.follow(topic, 'end', { records: (_, batch) => void keys.push(...batch.map(({ key }) => key)) });
    await until('they share', () => members.every(({ owned }) => owned.size > 0));
    await withKafkaAdmin(brokers, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 6 }] }));
    await until('the brokers tell of six', async () => (await log.partitions(topic)) === 6);
    await log.append(topic, [record(0, 'old'), record(5, 'new')]);
    await until('they share six', () => members.map(({ owned }) => owned.size).join() === '3,3');
    await until('all have been read', () => members.flatMap((member) => member.keys()).length === 2);
    await until('all have been followed', () => keys.length === 2);
    await following.catchUp();
    for (const one of [...consumptions, following]) await one.close();
    expect((await readAll(log, topic)).map(({ key }) => key).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['new', 'old']);
  });
});
