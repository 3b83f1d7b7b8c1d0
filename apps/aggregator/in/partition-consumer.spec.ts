import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeEvent, topicsOf, type InferometerEvent } from '#libs/contracts';
import { openEventLog, type EventLog, type LogRecord } from '#libs/event-log';
import { endOf, eventsOf, heartbeat, LIMITS, onePlanned, START_MS } from '../../../test/support/traffic.js';
import { waitFor } from '../../../test/support/wait.js';
import { FleetView } from '../core/fleet-view.js';
import { gateway } from '../../../test/support/fold.js';
import { PartitionState } from '../core/partition-state.js';
import { canonical } from '../core/snapshot-parts.js';
import { DeadLetters } from '../out/dead-letters.js';
import { RollupPublisher } from '../out/rollup-publisher.js';
import { PartitionConsumer } from './partition-consumer.js';

const { requests, rollups, deadLetter } = topicsOf();
const MINUTES_MS = 60_000;

let log: EventLog;
let view: FleetView;
let offset: bigint;

beforeEach(async () => {
  [view, offset] = [new FleetView(LIMITS), 0n];
  log = await openEventLog('memory:');
  await log.ensureTopics([rollups, deadLetter]);
  await log.follow(rollups.name, 'beginning', {
    records: (_partition, records) => {
      for (const { key, value, timestampMs } of records) view.put(key, value, timestampMs);
    },
  });
});

afterEach(() => log.close());

function consumer(replica: string): PartitionConsumer {
  return new PartitionConsumer({
    input: 'requests',
    topic: requests.name,
    limits: LIMITS,
    view,
    deadLetters: new DeadLetters(log, deadLetter.name),
    publisherOf: (partition) => new RollupPublisher(log, rollups.name, 'requests', partition, replica),
  });
}

function record(event: InferometerEvent, timestampMs: number): LogRecord {
  const stored = { partition: 0, key: event.subject, value: encodeEvent(event), offset, timestampMs };
  offset += 1n;
  return stored;
}

/** The keys that a compacted topic has a value for. */
async function keysIn(topic: string): Promise<readonly string[]> {
  const keys = new Set<string>();
  const following = await log.follow(topic, 'beginning', {
    records: (_partition, records) => {
      for (const { key, value } of records) {
        if (value === null) keys.delete(key);
        else keys.add(key);
      }
    },
  });
  await following.caughtUp;
  await following.close();
  return [...keys];
}

const caughtUp = (to: bigint) => waitFor(`the view at ${to}`, async () => view.states('requests')[0]?.next === to);

describe('a partition that goes and comes back', () => {
  it('is read right at any time, by those who hold what was published before', async () => {
    const [mine, other, source] = [consumer('mine'), consumer('other'), gateway()];
    const truth = new PartitionState(LIMITS);
    const take = async (by: PartitionConsumer, records: readonly LogRecord[]): Promise<void> => {
      for (const one of records) truth.apply(one, { ok: true, value: JSON.parse(String(one.value)) as InferometerEvent });
      await by.batch(0, records);
      await by.publish();
      await caughtUp(offset);
      expect(canonical(view.states('requests')[0]!)).toBe(canonical(truth));
    };
    expect(await mine.assigned(0)).toBe('beginning');
    await take(
      mine,
      [...eventsOf(onePlanned({ id: 'r' }), source, 0, START_MS)].map((event) => record(event, START_MS)),
    );
    await mine.revoked(0);
    expect(await other.assigned(0)).toBe(offset);
    await take(other, [record(endOf('r', source), START_MS + MINUTES_MS)]);
    await other.revoked(0);
    expect(await mine.assigned(0)).toBe(offset);
    // Two hours later, so that there are buckets no more that were out when it went.
    const laterMs = START_MS + 120 * MINUTES_MS;
    await take(mine, [record(heartbeat(source, 0, laterMs), laterMs)]);
    expect(view.rejected).toBe(0);
    const own = [...view.replicasOf('requests', 0).get('mine')!.names()].map((name) => `requests-0/mine/${name}`);
    expect((await keysIn(rollups.name)).filter((key) => key.startsWith('requests-0/mine/')).toSorted()).toEqual(
      [...own, 'requests-0/mine/head'].toSorted(),
    );
  });
});

describe('a record that is no event', () => {
  it('is passed only when it was put aside', async () => {
    const append = log.append.bind(log);
    const stored = Promise.withResolvers<void>();
    log.append = async (topic, records) => {
      if (topic === deadLetter.name) await stored.promise;
      await append(topic, records);
    };
    const [mine, source] = [consumer('mine'), gateway()];
    await mine.assigned(0);
    const good = record(heartbeat(source, 0, START_MS), START_MS);
    const poison = { ...record(heartbeat(source, 0, START_MS), START_MS), value: Buffer.from('{') };
    const batch = mine.batch(0, [good, poison]);
    await mine.publish();
    await caughtUp(1n);
    stored.resolve();
    await batch;
    await mine.publish();
    await caughtUp(2n);
    expect([...view.states('requests')[0]!.undecodable]).toEqual([['not_json', 1]]);
  });
});
