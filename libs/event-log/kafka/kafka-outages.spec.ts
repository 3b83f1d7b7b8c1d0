import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { canStartKafka, KafkaBroker } from '../../../test/support/kafka.js';
import { newTopic, Notebook, numbered, record, until } from '../contract/support.contract.js';
import { EventLogError, type EventLog, type LogRecord } from '../event-log.js';
import { prepareTopics } from '../prepare-topics.js';
import { brokersIn } from './address.js';
import { KafkaEventLog } from './kafka-event-log.js';

/** Those of `insist`, not those that were to fail. */
const isOurs = (key: string): boolean => key !== 'x';

const SPEC = { name: 'prepared', partitions: 1, policy: 'delete' } as const;

/** Appends until it is done: what an outbox does. */
async function insist(log: EventLog, topic: string, key: string): Promise<void> {
  await until(`${key} is stored`, () => log.append(topic, [record(0, key)]).then(() => true, passing), 30_000);
}

function passing(error: unknown): boolean {
  if (error instanceof EventLogError) throw error;
  return false;
}

/** What is left when repeats of what came directly before are dropped, as those of an append that was tried again are. */
function withoutRepeats(keys: readonly string[]): readonly string[] {
  return [...new Set(keys)];
}

describe.skipIf(!(await canStartKafka()))('while a broker is away', { timeout: 90_000 }, () => {
  let broker: KafkaBroker;
  let log: KafkaEventLog;
  const open = () => {
    log = new KafkaEventLog({ seeds: brokersIn(`kafka://${broker.brokers}`), metadataMaxAgeMs: 500 });
    return log;
  };
  beforeAll(async () => {
    broker = await KafkaBroker.start();
  }, 90_000);
  afterEach(() => log.close());
  afterAll(() => broker.stop());

  it('everything rejects with a passing error, and preparing topics goes on until it is there', async () => {
    await broker.kill();
    open();
    for (const work of [
      () => log.ensureTopics([SPEC]),
      () => log.partitions('t'),
      () => log.append('t', [record(0, 'a')]),
      () => log.consume('t', 'g', new Notebook()),
      () => log.follow('t', 'end', { records: () => {} }),
    ]) {
      const error: unknown = await work().catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(Error);
      expect(error).not.toBeInstanceOf(EventLogError);
      expect(String(error)).toMatch(/no broker can be reached: .*ECONNREFUSED/);
    }
    expect(log.connected()).toBe(false);
    const said: string[] = [];
    const say = (text: string): void => void said.push(text);
    const prepared = prepareTopics(log, [SPEC], { info: say, warn: say });
    await until('it has said so', () => said.length === 1);
    await broker.restart();
    await prepared;
    expect(said).toEqual([expect.stringMatching(/cannot be used.*trying on, next at \d{4}-/), expect.stringMatching(/can be used again/)]);
    expect(log.connected()).toBe(true);
  });

  it('preparing topics can be given up', async () => {
    await broker.kill();
    open();
    const given = new AbortController();
    const prepared = prepareTopics(log, [SPEC], { info: () => {}, warn: () => {} }, { signal: given.signal });
    setImmediate(() => given.abort());
    await expect(prepared).rejects.toThrow(EventLogError);
    await broker.restart();
  });

  it('killed and started again, it loses nothing: appends are tried again, consuming and following go on', async () => {
    open();
    const topic = await newTopic(log, { partitions: 1 });
    const member = new Notebook();
    const consumption = await log.consume(topic, 'g', member);
    const seen: LogRecord[] = [];
    const following = await log.follow(topic, 'beginning', { records: (_, batch) => void seen.push(...batch) });
    const failures: Error[] = [];
    for (const { failed } of [consumption, following]) void failed.then((cause) => failures.push(cause));
    const keys = numbered(0, 60).map(({ key }) => key);
    const writing = (async () => {
      for (const key of keys) await insist(log, topic, key);
    })();
    for (const at of [10, 30]) {
      await until('some have been read', () => seen.length >= at, 30_000);
      await broker.kill();
      expect(await log.append(topic, [record(0, 'x')]).then(() => 'stored', passing)).toBe(false);
      expect(log.connected()).toBe(false);
      await broker.restart();
    }
    await writing;
    await following.catchUp();
    await until('all have been consumed', () => member.keys().includes(keys.at(-1)!), 30_000);
    expect(withoutRepeats(member.keys().filter(isOurs))).toEqual(keys);
    expect(withoutRepeats(seen.map(({ key }) => key).filter(isOurs))).toEqual(keys);
    expect(failures).toEqual([]);
    expect(log.connected()).toBe(true);
    await consumption.close();
    await following.close();
  });

  it('stopped and continued, an append is given up after some seconds, and everything goes on afterwards', async () => {
    open();
    const topic = await newTopic(log, { partitions: 1 });
    const member = new Notebook();
    const consumption = await log.consume(topic, 'g', member);
    await insist(log, topic, 'before');
    await broker.pause();
    const fate = await log.append(topic, [record(0, 'stuck')]).then(() => 'stored', passing);
    broker.resume();
    expect(fate).toBe(false);
    await insist(log, topic, 'after');
    await until('it has been consumed', () => member.keys().includes('after'), 30_000);
    expect(withoutRepeats(member.keys().filter((key) => key !== 'stuck'))).toEqual(['before', 'after']);
    await consumption.close();
  });

  it('stopped, a log can be closed without waiting for its answers, a join under way included', async () => {
    open();
    const topic = await newTopic(log, { partitions: 1 });
    const member = new Notebook();
    await log.consume(topic, 'g', member);
    await log.follow(topic, 'beginning', { records: () => {} });
    await until('it owns the partition', () => member.owned.size === 1);
    await broker.pause();
    try {
      const joining = log.consume(topic, 'g2', new Notebook()).catch((error: unknown) => error);
      const closed = log.close().then(() => 'closed');
      expect(await Promise.race([closed, sleep(12_000, 'waits')])).toBe('closed');
      expect(await joining).toBeInstanceOf(Error);
      expect(member.owned.size).toBe(0);
    } finally {
      broker.resume();
    }
  });

  it('a log can be closed', async () => {
    open();
    const topic = await newTopic(log, { partitions: 1 });
    const member = new Notebook();
    await log.consume(topic, 'g', member);
    const following = await log.follow(topic, 'beginning', { records: () => {} });
    await until('it owns the partition', () => member.owned.size === 1);
    await broker.kill();
    const catchingUp = following.catchUp().then(
      () => 'caught up',
      () => 'rejected',
    );
    await log.close();
    expect(await catchingUp).toBe('rejected');
    expect(member.owned.size).toBe(0);
    await broker.restart();
  });
});
