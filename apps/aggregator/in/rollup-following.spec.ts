import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { topicsOf } from '#libs/contracts';
import { openEventLog, type EventLog } from '#libs/event-log';
import { at, gateway } from '../../../test/support/fold.js';
import { RollupWriter } from '../../../test/support/rollups.js';
import { heartbeat, LIMITS, START_MS } from '../../../test/support/traffic.js';
import { waitFor } from '../../../test/support/wait.js';
import { FleetView } from '../core/fleet-view.js';
import { rollupKey, type RollupPart } from '../core/rollup-keys.js';
import { RollupFollowing } from './rollup-following.js';

const { rollups } = topicsOf();
const source = gateway();

let log: EventLog;
let view: FleetView;
let following: RollupFollowing;

beforeEach(async () => {
  log = await openEventLog('memory:');
  await log.ensureTopics([rollups]);
  view = new FleetView(LIMITS);
  following = new RollupFollowing(log, rollups.name, view);
});

afterEach(async () => {
  await following.close();
  await log.close();
});

function store(parts: readonly RollupPart[], writer: string): Promise<void> {
  const records = parts.map(({ name, value }) => ({
    partition: 0,
    key: rollupKey({ input: 'requests', partition: 0, writer, name }),
    value,
  }));
  return log.append(rollups.name, records);
}

/** Heartbeats up to some offset, written down as a base. */
function baseOf(writer: string, count: number): Promise<void> {
  const records = Array.from({ length: count }, (_unused, index) => at(heartbeat(source, 0, START_MS), index, START_MS));
  return store(new RollupWriter({ writer }).fold(records).base(), writer);
}

const next = () => view.states('requests')[0]?.next;

describe('following the rollups', () => {
  it('reads everything again when a base is ahead of the view, as soon as the log can be read', async () => {
    await baseOf('one.1', 3);
    await following.start();
    expect(next()).toBe(3n);
    const follow = log.follow.bind(log);
    let refused = 0;
    log.follow = async (...args) => {
      refused += 1;
      if (refused <= 2) throw new Error('no broker');
      return follow(...args);
    };
    await baseOf('two.1', 7);
    await waitFor('the second reading', async () => next() === 7n);
    await baseOf('three.1', 9);
    await waitFor('a third one', async () => next() === 9n);
    expect(refused).toBe(4);
  });

  it('waits with catching up until everything was read again', async () => {
    await following.start();
    const follow = log.follow.bind(log);
    const back = Promise.withResolvers<void>();
    const tried = Promise.withResolvers<void>();
    log.follow = async () => {
      tried.resolve();
      await back.promise;
      log.follow = follow;
      throw new Error('no broker');
    };
    await baseOf('two.1', 7);
    await tried.promise;
    const caughtUp = following.catchUp();
    back.resolve();
    await caughtUp;
    expect(next()).toBe(7n);
  });

  it('ends while it waits to read again', async () => {
    await following.start();
    const tried = Promise.withResolvers<void>();
    log.follow = async () => {
      tried.resolve();
      throw new Error('no broker');
    };
    await baseOf('two.1', 7);
    await tried.promise;
    await following.close();
    expect(next()).toBeUndefined();
  });
});
