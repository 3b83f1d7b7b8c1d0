import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventSource, topicsOf } from '#libs/contracts';
import { openEventLog, type EventLog, type OutgoingRecord } from '#libs/event-log';
import { heartbeat, LIMITS, START_MS } from '../../../test/support/traffic.js';
import { FleetView } from '../core/fleet-view.js';
import { PartitionState } from '../core/partition-state.js';
import { canonical } from '../core/snapshot-parts.js';
import { copyOf } from '../core/snapshot-reader.js';
import { RollupPublisher } from './rollup-publisher.js';

const { rollups } = topicsOf();
const MINUTES_MS = 60_000;
const source = new EventSource('/gateways/gw', 'boot');

let log: EventLog;
let view: FleetView;
let nowMs: number;
/** What the log says to the next append instead of storing it. */
let refusal: Error | undefined;

beforeEach(async () => {
  [nowMs, refusal, view] = [START_MS, undefined, new FleetView(LIMITS)];
  log = await openEventLog('memory:', { now: () => nowMs });
  await log.ensureTopics([rollups]);
  const append = log.append.bind(log);
  log.append = async (topic: string, records: readonly OutgoingRecord[]) => {
    if (refusal) throw refusal;
    await append(topic, records);
  };
});

afterEach(() => log.close());

const publisher = (replica: string): RollupPublisher => new RollupPublisher(log, rollups.name, 'requests', 0, replica);

/** Lets a minute pass and adds a heartbeat to the state. */
function move(state: PartitionState): PartitionState {
  nowMs += MINUTES_MS;
  state.apply({ offset: state.next ?? 0n, timestampMs: nowMs }, { ok: true, value: heartbeat(source, 0, nowMs) });
  return state;
}

/** Reads what the topic holds into a new view. */
async function read(): Promise<FleetView> {
  view = new FleetView(LIMITS);
  const following = await log.follow(rollups.name, 'beginning', {
    records: (_partition, records) => {
      for (const { key, value, timestampMs } of records) view.put(key, value, timestampMs);
    },
  });
  await following.caughtUp;
  await following.close();
  return view;
}

const replicas = (): readonly string[] => [...view.replicasOf('requests', 0).keys()].toSorted();
const shown = (): PartitionState => view.states('requests')[0]!;

describe('publishing', () => {
  it('sends what could not be stored with the next publication', async () => {
    const [state, one] = [new PartitionState(LIMITS), publisher('one')];
    await one.publish(move(state), 0);
    refusal = new Error('away');
    await expect(one.publish(move(state), 0)).rejects.toThrow('away');
    refusal = undefined;
    await one.publish(state, 0);
    await read();
    expect([canonical(shown()), view.rejected]).toEqual([canonical(state), 0]);
  });

  it('never shows an older state than it has shown, when a partition comes back before what was published was read', async () => {
    const [state, one] = [new PartitionState(LIMITS), publisher('one')];
    await one.publish(move(state), 0);
    const behind = copyOf(state, LIMITS);
    await one.publish(move(move(state)), 0);
    one.startOver();
    await one.publish(behind, 0);
    await one.publish(move(behind), 0);
    await read();
    expect([shown().next, view.rejected]).toEqual([3n, 0]);
    await one.publish(move(move(behind)), 0);
    await read();
    expect(canonical(shown())).toBe(canonical(behind));
  });
});

describe('a partition that comes back', () => {
  it('is published whole, though nothing has happened in it: others may have erased what was out', async () => {
    const [state, one, other] = [new PartitionState(LIMITS), publisher('one'), publisher('other')];
    await one.publish(move(state), 0);
    const back = copyOf(state, LIMITS);
    nowMs += 30 * MINUTES_MS;
    const later = copyOf(move(state), LIMITS);
    await other.publish(later, 0);
    await other.eraseAbandoned(await read(), later);
    await one.publish(back, 0);
    await read();
    expect(replicas()).toEqual(['other']);
    one.startOver();
    await one.publish(back, 0);
    await read();
    expect(replicas()).toEqual(['one', 'other']);
    expect(canonical(view.replicasOf('requests', 0).get('one')!.state)).toBe(canonical(back));
  });
});

describe('what other writers left behind', () => {
  it('is erased ten minutes after their last word, and not before', async () => {
    const state = new PartitionState(LIMITS);
    await publisher('old').publish(move(state), 0);
    const next = publisher('next');
    for (let minute = 1; minute <= 9; minute += 1) await next.publish(move(state), 0);
    await next.eraseAbandoned(await read(), state);
    await read();
    expect(replicas()).toEqual(['next', 'old']);
    await next.publish(move(state), 0);
    await next.eraseAbandoned(await read(), state);
    await read();
    expect(replicas()).toEqual(['next']);
    expect(canonical(shown())).toBe(canonical(state));
  });

  it('stays as long as nothing newer can be read', async () => {
    const [state, next] = [new PartitionState(LIMITS), publisher('next')];
    const early = copyOf(move(state), LIMITS);
    await publisher('old').publish(move(state), 0);
    nowMs += 30 * MINUTES_MS;
    await next.eraseAbandoned(await read(), move(state));
    await read();
    expect(replicas()).toEqual(['old']);
    await next.publish(early, 0);
    await next.eraseAbandoned(await read(), state);
    await read();
    expect(replicas()).toEqual(['next', 'old']);
  });

  it('is not what another writes at this moment, however old the state that it has come to', async () => {
    const [state, slow, owner] = [new PartitionState(LIMITS), publisher('slow'), publisher('owner')];
    const early = copyOf(move(state), LIMITS);
    nowMs += 30 * MINUTES_MS;
    await owner.publish(move(state), 0);
    await slow.publish(early, 0);
    await owner.eraseAbandoned(await read(), state);
    await read();
    expect(replicas()).toEqual(['owner', 'slow']);
  });

  it('is not what another has only begun to write', async () => {
    const [state, owner] = [new PartitionState(LIMITS), publisher('owner')];
    await owner.publish(move(state), 0);
    const half = { partition: 0, key: 'requests-0/begun/series/1', value: Buffer.from('{}') };
    await log.append(rollups.name, [half]);
    await owner.eraseAbandoned(await read(), state);
    await read();
    expect(replicas()).toEqual(['begun', 'owner']);
  });
});
