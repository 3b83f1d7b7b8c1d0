import { beforeEach, expect, it } from 'vitest';
import { openEventLog } from './open.js';
import type { EventLog } from './event-log.js';
import { TopicKeeper } from './topic-keeper.js';

const SPECS = ['requests', 'rollups'].map((name) => ({ name, partitions: 2, policy: 'delete' as const }));

let log: EventLog;
let said: string[];
let keeper: TopicKeeper;
beforeEach(async () => {
  log = await openEventLog('memory:');
  said = [];
  const say = (text: string): void => void said.push(text);
  keeper = new TopicKeeper(log, SPECS, { info: say, warn: say });
});

it('makes a topic again that is gone for two looks, and says so', async () => {
  await log.ensureTopics([SPECS[0]!]);
  await keeper.look();
  expect(await log.topics(['rollups'])).toEqual([]);
  await keeper.look();
  expect((await log.topics(['requests', 'rollups'])).map(({ name }) => name)).toEqual(['requests', 'rollups']);
  expect(said).toEqual(['the event log has lost rollups with all that was in them: they are made again, empty']);
});

it('does nothing where all are there, or are back at the second look', async () => {
  await keeper.look();
  await log.ensureTopics(SPECS);
  await keeper.look();
  await keeper.look();
  expect(said).toEqual([]);
});

it('does not reject while the log is away', async () => {
  await log.close();
  await keeper.look();
  await keeper.look();
  expect(said).toEqual([]);
});
