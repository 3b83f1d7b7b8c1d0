import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { topicsOf } from '#libs/contracts';
import { openEventLog, type EventLog, type OutgoingRecord } from '#libs/event-log';
import { restore } from '../../../test/support/rollups.js';
import { heartbeat, interleaved, LIMITS, onePlanned, START_MS } from '../../../test/support/traffic.js';
import { gateway } from '../../../test/support/fold.js';
import { FleetView } from '../core/fleet-view.js';
import { PartitionState } from '../core/partition-state.js';
import type { SinceBase } from '../core/delta-follower.js';
import { canonical, copyOf } from '../core/state-parts.js';
import { unpack } from './packing.js';
import { RollupPublisher } from './rollup-publisher.js';

const { rollups } = topicsOf();
const MINUTES_MS = 60_000;
const NOTHING: SinceBase = { bytes: 0, records: 0, baseBytes: 0 };
const MUCH: SinceBase = { bytes: 600_000, records: 1_000, baseBytes: 0 };
const source = gateway();

let log: EventLog;
let view: FleetView;
let nowMs: number;
let refusal: Error | undefined;
/** Appends after which the log is away. */
let appendsLeft: number;

beforeEach(async () => {
  [nowMs, refusal, appendsLeft] = [START_MS, undefined, Infinity];
  log = await openEventLog('memory:', { now: () => nowMs });
  await log.ensureTopics([rollups]);
  const append = log.append.bind(log);
  log.append = async (topic: string, records: readonly OutgoingRecord[]) => {
    appendsLeft -= 1;
    if (refusal || appendsLeft < 0) throw refusal ?? new Error('away');
    await append(topic, records);
  };
});

afterEach(() => log.close());

/** An owner: its state and its publisher. */
class Owner {
  readonly publisher: RollupPublisher;

  constructor(
    writer: string,
    readonly state = new PartitionState(LIMITS),
    since = NOTHING,
  ) {
    const place = { log, topic: rollups.name, topicPartition: 0, input: 'requests', partition: 0, writer } as const;
    this.publisher = new RollupPublisher(place, state, since);
  }

  /** Lets a minute pass and takes in a heartbeat. */
  move(minutes = 1): this {
    nowMs += minutes * MINUTES_MS;
    return this.fold(heartbeat(source, 0, nowMs, 1));
  }

  fold(value: ReturnType<typeof heartbeat>): this {
    const record = { offset: this.state.next, timestampMs: nowMs };
    this.publisher.add(record, { ok: true, value }, 0);
    this.state.apply(record, { ok: true, value });
    return this;
  }

  publish(): Promise<void> {
    return this.publisher.publish(0);
  }

  async base(): Promise<void> {
    await this.publisher.writeBase(0);
    await this.publish();
  }

  async erase(): Promise<void> {
    const partition = (await read()).partition('requests', 0);
    if (partition) await this.publisher.eraseAbandoned(partition);
  }
}

/** Reads what the topic holds into a new view. */
async function read(): Promise<FleetView> {
  view = new FleetView(LIMITS);
  const following = await log.follow(rollups.name, 'beginning', {
    records: (_partition, records) => {
      for (const { key, value, timestampMs } of records) view.put(key, value && unpack(value), timestampMs);
    },
  });
  await following.caughtUp;
  await following.close();
  return restore(view);
}

const writers = (): readonly string[] => [...view.partition('requests', 0)!.writers.keys()].toSorted();
const shown = (): PartitionState => view.states('requests')[0]!;
const namesOf = (writer: string): readonly string[] => [...view.partition('requests', 0)!.writers.get(writer)!.names].toSorted();

describe('publishing', () => {
  it('sends what could not be stored with the next publication, in order', async () => {
    const one = new Owner('one.1');
    await one.move().publish();
    refusal = new Error('away');
    await expect(one.move().publish()).rejects.toThrow('away');
    await expect(one.move().publish()).rejects.toThrow('away');
    refusal = undefined;
    await one.publish();
    await read();
    expect([canonical(shown()), view.rejected]).toEqual([canonical(one.state), 0]);
    expect(namesOf('one.1')).toEqual(['delta/0', 'delta/1', 'delta/2']);
  });

  it('does not wait with rows that fill a record, and writes nothing where nothing was folded', async () => {
    const one = new Owner('one.1');
    await one.publish();
    expect(one.publisher.isFull).toBe(false);
    const many = Array.from({ length: 5_000 }, (_unused, index) => onePlanned({ id: `request-${index}`, end: 'completed' }));
    for (const event of interleaved(many, source)) one.fold(event);
    expect(one.publisher.isFull).toBe(true);
    await one.publish();
    await read();
    expect(canonical(shown())).toBe(canonical(one.state));
    expect(namesOf('one.1').length).toBeGreaterThan(1);
  });

  it('lets the fold wait while much cannot be stored', async () => {
    const one = new Owner('one.1');
    refusal = new Error('away');
    const many = Array.from({ length: 1_000 }, (_unused, index) => onePlanned({ id: `request-${index}`.padEnd(100), end: 'completed' }));
    const events = interleaved(many, source);
    let folded = 0;
    for (; !one.publisher.isBlocked; folded += 1) one.fold({ ...events[folded % events.length]!, sequence: folded + 1 });
    await expect(one.publish()).rejects.toThrow('away');
    refusal = undefined;
    await one.publish();
    expect([one.publisher.isBlocked, folded > events.length]).toEqual([false, true]);
    await read();
    expect(canonical(shown())).toBe(canonical(one.state));
  });
});

describe('a base', () => {
  it('is due when much was published since the last one, whoever wrote that', async () => {
    const [fresh, heir] = [new Owner('one.1'), new Owner('two.1', undefined, MUCH)];
    await fresh.move().publish();
    await heir.move().publish();
    expect([fresh.publisher.isBaseDue, heir.publisher.isBaseDue]).toEqual([false, true]);
    await heir.base();
    await heir.publish();
    expect(heir.publisher.isBaseDue).toBe(false);
    await read();
    expect(namesOf('two.1').filter((name) => !name.includes('#'))).toEqual(['delta/0', 'head']);
  });

  it('is whole or not there, wherever the log went away in the middle of it, and the deltas before it are there until it is', async () => {
    for (let stored = 0; stored < 3; stored += 1) {
      const one = new Owner(`one.${stored}`);
      await one.move().base();
      await one.move().publish();
      one.fold(interleaved([onePlanned({ id: `${stored}` })], source)[0]!);
      appendsLeft = stored;
      const outcome = await one.base().then(
        () => 'stored',
        () => 'away',
      );
      expect(outcome).toBe(stored < 2 ? 'away' : 'stored');
      await read();
      expect([shown().next >= 2n, view.rejected]).toEqual([true, 0]);
      appendsLeft = Infinity;
      await one.move().publish();
      await read();
      expect(canonical(shown())).toBe(canonical(one.state));
      await log.append(
        rollups.name,
        namesOf(`one.${stored}`).map((name) => ({ partition: 0, key: `requests-0/one.${stored}/${name}`, value: null })),
      );
    }
  });

  it('takes back what is not in it any more', async () => {
    const one = new Owner('one.1');
    await one.move().base();
    await one.move(3_000).base();
    await one.publish();
    await read();
    const fine = namesOf('one.1').filter((name) => name.startsWith('fine/'));
    expect(fine).toHaveLength(1);
    expect(canonical(shown())).toBe(canonical(one.state));
  });
});

describe('what other writers left behind', () => {
  it('is erased ten minutes after their last word, once there is a newer base, and not before', async () => {
    const old = new Owner('old.1');
    await old.move().base();
    const next = new Owner('next.1', copyOf(old.state, LIMITS));
    await next.move(5).publish();
    await next.move(6).publish();
    await next.erase();
    await read();
    expect(writers()).toEqual(['next.1', 'old.1']);
    await next.base();
    await next.erase();
    await read();
    expect(writers()).toEqual(['next.1']);
    expect(canonical(shown())).toBe(canonical(next.state));
  });

  it('is not what was written lately', async () => {
    const [near, next] = [new Owner('near.1'), new Owner('next.1')];
    await next.move(11).base();
    await near.move().publish();
    await next.erase();
    await read();
    expect(writers()).toEqual(['near.1', 'next.1']);
  });

  it('is not what goes further than the base, though deltas behind it go further still', async () => {
    const [far, next] = [new Owner('far.1'), new Owner('next.1')];
    await far.move().move().move().publish();
    await next.move().base();
    await next.move().move().move(20).publish();
    await next.erase();
    await read();
    expect([writers(), shown().next]).toEqual([['far.1', 'next.1'], 4n]);
    await next.base();
    await next.erase();
    await read();
    expect(writers()).toEqual(['next.1']);
  });

  it('is a base that was only begun, too', async () => {
    const half = { partition: 0, key: 'requests-0/begun.1/series/1#0@a', value: Buffer.from('{}') };
    await log.append(rollups.name, [half]);
    const next = new Owner('next.1');
    await next.move(11).base();
    await next.erase();
    await read();
    expect(writers()).toEqual(['next.1']);
  });

  it('does not take anything newer with it when a zombie erases it', async () => {
    const zombie = new Owner('zombie.1');
    await zombie.move().base();
    const stale = await read();
    nowMs += 30 * MINUTES_MS;
    const owner = new Owner('owner.1', copyOf(shown(), LIMITS));
    await owner.move().base();
    await zombie.move().base();
    await zombie.publisher.eraseAbandoned(stale.partition('requests', 0)!);
    await zombie.erase();
    await read();
    expect(writers()).toEqual(['owner.1', 'zombie.1']);
  });
});
