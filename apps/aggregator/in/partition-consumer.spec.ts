import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeEvent, encodeEvent, topicsOf, type InferometerEvent } from '#libs/contracts';
import { openEventLog, type Bounds, type EventLog, type LogRecord } from '#libs/event-log';
import { Logger } from '#libs/runtime';
import { gateway } from '../../../test/support/fold.js';
import { RollupWriter } from '../../../test/support/rollups.js';
import { endOf, eventsOf, heartbeat, LIMITS, onePlanned, START_MS } from '../../../test/support/traffic.js';
import { waitFor } from '../../../test/support/wait.js';
import { BaseWriter } from '../core/base-writer.js';
import { FleetView } from '../core/fleet-view.js';
import { PartitionState } from '../core/partition-state.js';
import { rollupKey } from '../core/rollup-keys.js';
import { canonical, copyOf } from '../core/state-parts.js';
import { DeadLetters } from '../out/dead-letters.js';
import { RollupPublisher } from '../out/rollup-publisher.js';
import { PartitionConsumer } from './partition-consumer.js';
import { readTopic } from './read-log.js';
import { RollupFollowing } from './rollup-following.js';

const { requests, rollups, deadLetter } = topicsOf();
const MINUTES_MS = 60_000;

let log: EventLog;
let view: FleetView;
let following: RollupFollowing;
let errors: string[];
let terms: number;

beforeEach(async () => {
  [errors, terms] = [[], 0];
  log = await openEventLog('memory:');
  await log.ensureTopics([rollups, deadLetter]);
  view = new FleetView(LIMITS);
  following = new RollupFollowing(log, rollups.name, view);
  await following.start();
});

afterEach(async () => {
  await following.close();
  await log.close();
});

class Ear extends Logger {
  override error(message: unknown): void {
    errors.push(String(message));
  }
}

function consumer(replica: string, catchUp = () => following.catchUp()): PartitionConsumer {
  return new PartitionConsumer({
    input: 'requests',
    topic: requests.name,
    limits: LIMITS,
    view,
    catchUp,
    deadLetters: new DeadLetters(log, deadLetter.name),
    publisherOf: (partition, state, since) => {
      terms += 1;
      const place = { log, topic: rollups.name, topicPartition: 0, input: 'requests', partition, writer: `${replica}.${terms}` } as const;
      return new RollupPublisher(place, state, since);
    },
    logger: new Ear('test', 'error'),
  });
}

/** The input partition as the log would hand it out. */
class InputTopic {
  readonly records: LogRecord[] = [];

  append(event: InferometerEvent, timestampMs: number): this {
    const offset = BigInt(this.records.length);
    this.records.push({ partition: 0, key: event.subject, value: encodeEvent(event), offset, timestampMs });
    return this;
  }

  bounds(oldest = 0): Bounds {
    return { oldest: BigInt(oldest), end: BigInt(this.records.length) };
  }

  /** Gives the consumer what it asks for until there is no more. */
  async feed(to: PartitionConsumer, start: unknown, oldest = 0): Promise<void> {
    let at = typeof start === 'bigint' ? Math.max(Number(start), oldest) : oldest;
    for (let turns = 0; at < this.records.length && turns < 100; turns += 1) {
      const batch = this.records.slice(at, at + 3);
      const goOnAt = await to.batch(0, batch);
      at = goOnAt === undefined ? at + batch.length : typeof goOnAt === 'bigint' ? Number(goOnAt) : oldest;
    }
  }

  /** What the records make. */
  state(from = 0, state = new PartitionState(LIMITS)): PartitionState {
    for (const one of this.records.slice(from)) state.apply(one, { ok: true, value: JSON.parse(String(one.value)) as InferometerEvent });
    return state;
  }
}

const source = gateway();

function threeEvents(topic: InputTopic, id: string, atMs = START_MS): InputTopic {
  for (const event of eventsOf(onePlanned({ id, end: 'completed' }), source, 0, atMs)) topic.append(event, atMs);
  return topic;
}

/** A request that goes on. */
function open(topic: InputTopic, id: string, model: string): void {
  for (const event of eventsOf(onePlanned({ id, model }), source, 0, START_MS)) topic.append(event, START_MS);
}

async function shown(): Promise<PartitionState> {
  await following.catchUp();
  return view.states('requests')[0]!;
}

describe('a partition that goes and comes back', () => {
  it('goes on from what was published, and one record earlier to compare', async () => {
    const [mine, other, topic] = [consumer('mine'), consumer('other'), new InputTopic()];
    for (const event of eventsOf(onePlanned({ id: 'r' }), source, 0, START_MS)) topic.append(event, START_MS);
    expect(await mine.assigned(0, topic.bounds())).toBe('beginning');
    await topic.feed(mine, 'beginning');
    await mine.revoked(0);
    topic.append(endOf('r', source), START_MS + MINUTES_MS);
    const start = await other.assigned(0, topic.bounds());
    expect(start).toBe(1n);
    await topic.feed(other, start);
    await other.revoked(0);
    topic.append(heartbeat(source, 0, START_MS + 120 * MINUTES_MS), START_MS + 120 * MINUTES_MS);
    await topic.feed(mine, await mine.assigned(0, topic.bounds()));
    await mine.publish();
    expect(canonical(await shown())).toBe(canonical(topic.state()));
    expect([view.rejected, errors]).toEqual([0, []]);
  });

  it('counts what retention took before it could be read', async () => {
    const [mine, topic] = [consumer('mine'), new InputTopic()];
    await topic.feed(mine, await mine.assigned(0, threeEvents(topic, 'a').bounds()));
    await mine.revoked(0);
    threeEvents(threeEvents(topic, 'b'), 'c');
    const start = await mine.assigned(0, topic.bounds(7));
    expect(start).toBe(3n);
    await topic.feed(mine, start, 7);
    await mine.publish();
    expect([(await shown()).gapEvents, errors]).toEqual([4, []]);
  });

  it('is not taken for another topic because a late writer goes past the bounds that were told', async () => {
    const [mine, topic] = [consumer('mine'), new InputTopic()];
    await topic.feed(mine, await mine.assigned(0, threeEvents(topic, 'a').bounds()));
    await mine.revoked(0);
    const late = new RollupWriter({ writer: 'late.1', state: copyOf(await shown(), LIMITS) });
    const next = consumer('next', async () => {
      threeEvents(topic, 'b');
      late.fold(topic.records.slice(3).map((record) => ({ ...record, decoded: decodeEvent(record.value) })));
      late.put(view, late.delta());
    });
    const start = await next.assigned(0, topic.bounds());
    expect(start).toBe(2n);
    await topic.feed(next, start);
    expect([canonical(next.owned.get(0)!.state), errors]).toEqual([canonical(topic.state()), []]);
  });

  it('is taken over whole though what is shown is moved on meanwhile', async () => {
    const [mine, topic] = [consumer('mine'), new InputTopic()];
    for (let index = 0; index < 3_000; index += 1) open(topic, `a-${index}`, `a-${index % 90}`);
    for (let from = 0; from < topic.records.length; from += 1_000) {
      if (from === 0) await mine.assigned(0, topic.bounds());
      await mine.batch(0, topic.records.slice(from, from + 1_000));
    }
    await mine.revoked(0);
    const zombie = new RollupWriter({ writer: 'zombie.1', state: copyOf(await shown(), LIMITS) });
    const done = new AbortController();
    const goOn = async (): Promise<void> => {
      for (let turn = 0; !done.signal.aborted && turn < 60; turn += 1) {
        open(topic, `z-${turn}`, `z-${turn}`);
        const records = topic.records.slice(Number(zombie.state.next));
        zombie.fold(records.map((record) => ({ ...record, decoded: decodeEvent(record.value) })));
        zombie.put(view, zombie.delta());
        await nextTurn();
      }
    };
    const zombieGoesOn = goOn();
    const start = await mine.assigned(0, topic.bounds());
    done.abort();
    await zombieGoesOn;
    await topic.feed(mine, start);
    expect(canonical(mine.owned.get(0)!.state)).toBe(canonical(topic.state()));
  });

  it('is refused when what was published cannot be read', async () => {
    const mine = consumer('mine', () => Promise.reject(new Error('it took too long')));
    await expect(mine.assigned(0, new InputTopic().bounds())).rejects.toThrow('it took too long');
  });

  it('is given away though what was folded cannot be stored, and folded again by the next one', async () => {
    const [mine, other, topic] = [consumer('mine'), consumer('other'), new InputTopic()];
    await topic.feed(mine, await mine.assigned(0, threeEvents(topic, 'a').bounds()));
    const append = log.append.bind(log);
    log.append = () => Promise.reject(new Error('away'));
    await mine.revoked(0);
    log.append = append;
    await topic.feed(other, await other.assigned(0, topic.bounds()));
    await other.publish();
    expect(canonical(await shown())).toBe(canonical(topic.state()));
  });
});

describe('a topic that was replaced', () => {
  it.each([
    ['by one with fewer records', 1],
    ['by one with more records', 3],
  ])('%s is said, and counted anew', async (_how, count) => {
    const [mine, topic] = [consumer('mine'), new InputTopic()];
    await topic.feed(mine, await mine.assigned(0, threeEvents(topic, 'a').bounds()));
    await mine.revoked(0);
    const other = new InputTopic();
    for (let index = 0; index < count; index += 1) threeEvents(other, `b${index}`, START_MS + 5 * MINUTES_MS);
    other.records.splice(count === 1 ? 2 : Infinity);
    await other.feed(mine, await mine.assigned(0, other.bounds()));
    await mine.publish();
    const state = await shown();
    expect([state.origin, errors.length]).toEqual([{ epoch: 1, replaced: 1, start: 0n }, 1]);
    expect(errors[0]).toContain('partition 0 of inferometer.requests');
    expect(canonical(state)).toBe(canonical(other.state(0, new PartitionState(LIMITS, state.origin))));
  });
});

describe('a state of a greater epoch', () => {
  it('takes the place of the one that is folded', async () => {
    const [mine, topic] = [consumer('mine'), new InputTopic()];
    await topic.feed(mine, await mine.assigned(0, threeEvents(threeEvents(topic, 'a'), 'b').bounds()));
    await mine.publish();
    const rebuilt = topic.state(3, new PartitionState(LIMITS, { epoch: 1, replaced: 0, start: 3n }));
    const parts = [...new BaseWriter().write(rebuilt, 0)].flatMap((part) => part ?? []);
    const keyed = parts.map(({ name, value }) => ({
      partition: 0,
      key: rollupKey({ input: 'requests', partition: 0, writer: 'x.1', name }),
      value,
    }));
    await log.append(rollups.name, keyed);
    await waitFor('the view to switch', async () => (await shown()).origin.epoch === 1);
    const before = topic.records.length;
    threeEvents(topic, 'c');
    await topic.feed(mine, BigInt(before));
    await mine.publish();
    expect(canonical(await shown())).toBe(canonical(topic.state(3, new PartitionState(LIMITS, rebuilt.origin))));
    expect(errors).toEqual([]);
  });
});

describe('a record that is no event', () => {
  it('is passed only when it was put aside', async () => {
    const append = log.append.bind(log);
    const stored = Promise.withResolvers<void>();
    log.append = async (name, records) => {
      if (name === deadLetter.name) await stored.promise;
      await append(name, records);
    };
    const [mine, topic] = [consumer('mine'), new InputTopic()];
    topic.append(heartbeat(source, 0, START_MS), START_MS).append(heartbeat(source, 0, START_MS), START_MS);
    topic.records[1] = { ...topic.records[1]!, value: Buffer.from('{') };
    await mine.assigned(0, topic.bounds());
    const batch = mine.batch(0, topic.records);
    await mine.publish();
    expect((await shown()).next).toBe(1n);
    stored.resolve();
    await batch;
    await mine.publish();
    expect([...(await shown()).undecodable]).toEqual([['not_json', 1]]);
  });

  it('is put aside once, though it is read again to compare', async () => {
    const [mine, topic] = [consumer('mine'), new InputTopic()];
    topic.append(heartbeat(source, 0, START_MS), START_MS).append(heartbeat(source, 0, START_MS), START_MS);
    topic.records[1] = { ...topic.records[1]!, value: Buffer.from('{') };
    await topic.feed(mine, await mine.assigned(0, topic.bounds()));
    await mine.revoked(0);
    const letters: string[] = [];
    await topic.feed(mine, await mine.assigned(0, topic.bounds()));
    await readTopic(log, deadLetter.name, ({ key }) => letters.push(key));
    expect(letters).toEqual(['inferometer.requests/0/1']);
  });
});
