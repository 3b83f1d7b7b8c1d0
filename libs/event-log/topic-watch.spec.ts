import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { EventSource } from '#libs/contracts';
import { until } from './contract/support.contract.js';
import { EventLogOpenError, type EventLog } from './event-log.js';
import { Outbox } from './outbox.js';
import { TopicWatch } from './topic-watch.js';

const HEARTBEAT = 'io.inferometer.aggregator.heartbeat.v1';

let partitions: number;
let cause: Error | undefined;
let isAway: boolean;
let ensured: string[][];
let said: string[];
let beats: number[];
let log: EventLog;
let outbox: Outbox;
let watch: TopicWatch;
beforeEach(() => {
  vi.useFakeTimers();
  [partitions, cause, isAway, ensured, said, beats] = [6, undefined, true, [], [], []];
  log = {
    ensureTopics: async (topics: readonly { name: string }[]) => {
      if (cause) throw cause;
      ensured.push(topics.map(({ name }) => name));
    },
    topics: async () => {
      if (isAway) throw cause!;
      return [];
    },
    partitions: async () => {
      if (cause) throw cause;
      return partitions;
    },
    append: async (_: string, records: readonly { partition: number }[]) => {
      if (cause) throw cause;
      beats.push(...records.map(({ partition }) => partition));
    },
  } as unknown as EventLog;
  outbox = new Outbox(log, 'requests', 3, new EventSource('/aggregators/a', 'b'));
  const topics = ['requests', 'rollups'].map((name) => ({ name, partitions: 6, policy: 'delete' as const }));
  const say = (text: string): void => void said.push(text);
  watch = new TopicWatch(log, { all: topics, target: 'requests' }, outbox, { info: say, warn: say });
});
afterEach(async () => {
  await watch.stop();
  vi.useRealTimers();
  await outbox.close(0);
});

const beat = async (): Promise<number[]> => {
  beats.length = 0;
  outbox.offerToEvery(HEARTBEAT, 'a', { version: '1' });
  await vi.advanceTimersByTimeAsync(20);
  return beats;
};

it('makes sure of all topics, and tells the outbox of the partitions, also when they become more', async () => {
  watch.start();
  await vi.advanceTimersByTimeAsync(1);
  expect(ensured).toEqual([['requests', 'rollups']]);
  expect(await beat()).toEqual([0, 1, 2, 3, 4, 5]);
  partitions = 12;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await beat()).toHaveLength(12);
  expect(said).toEqual([]);
});

it('tries on without a log, and with a wrong password, says so, and goes on when it is there', async () => {
  vi.useRealTimers();
  cause = new EventLogOpenError('wrong password');
  watch.start();
  await until('it was said', () => said.length > 0);
  expect(said).toEqual([expect.stringContaining('the event log cannot be used: wrong password; trying on, next at')]);
  cause = undefined;
  await until('it goes on', () => outbox.partitions === 6);
  expect(said.slice(1)).toEqual(['the event log can be used again, and its topics are there']);
});

it('says when the log goes away later on, once a minute how much waits, and when it is back', async () => {
  watch.start();
  await vi.advanceTimersByTimeAsync(1);
  cause = new Error('no broker');
  outbox.offerToEvery(HEARTBEAT, 'a', { version: '1' });
  await vi.advanceTimersByTimeAsync(125_000);
  expect(said).toEqual(Array(3).fill('the event log is away: 6 events wait, 0 of them on disk; 0 were dropped so far'));
  cause = undefined;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(said.slice(3)).toEqual(['the event log is back; 0 events wait to be sent, oldest first']);
});

it.each(['ensureTopics', 'partitions'] as const)('stops at once while the log does not answer %s', async (name) => {
  vi.useRealTimers();
  let asked = 0;
  Object.assign(log, { [name]: () => new Promise(() => (asked += 1)) });
  watch.start();
  await until('it has asked', () => asked > 0);
  await watch.stop();
  expect(said).toEqual([]);
});

it.each([
  ['while it tries on', new Error('no broker')],
  ['between two looks', undefined],
])('stops at once, %s', async (_, trouble) => {
  vi.useRealTimers();
  cause = trouble;
  watch.start();
  await until('it has tried', () => said.length + ensured.length > 0);
  await watch.stop();
  expect(said).toHaveLength(trouble ? 1 : 0);
});

it('makes the topics again if the log comes back without them', async () => {
  watch.start();
  await vi.advanceTimersByTimeAsync(1);
  cause = new Error('topic requests is gone');
  isAway = false;
  outbox.offerToEvery(HEARTBEAT, 'a', { version: '1' });
  await vi.advanceTimersByTimeAsync(9_000);
  expect(said.slice(1)).toEqual([]);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(said.slice(1)).toEqual(['the event log has lost requests, rollups with all that was in them: they are made again, empty']);
});
