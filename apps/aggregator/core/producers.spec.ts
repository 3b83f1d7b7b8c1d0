import { describe, expect, it } from 'vitest';
import { EventSource, type InferometerEvent } from '#libs/contracts';
import { endOf, eventsOf, heartbeat, interleaved, LIMITS, onePlanned, recordsOf, START_MS } from '../../../test/support/traffic.js';
import { liveGateways } from './fleet-gauges.js';
import { at, beat, fold, gateway, totals } from '../../../test/support/fold.js';
import { copyOf } from './state-parts.js';

const minute = (count: number): number => START_MS + count * 60_000;

describe('requests whose gateway dies', () => {
  it('are lost when 3 intervals and 5 s of log time pass without its heartbeat, and not before', () => {
    const dead = gateway();
    const alive = new EventSource('/gateways/other', 'boot');
    const state = fold(recordsOf([beat(dead, START_MS), ...interleaved([onePlanned()], dead)]));
    const sinceMs = START_MS;
    fold([at(beat(alive, sinceMs), 10, sinceMs + 8_000)], state);
    expect(totals(state)).toMatchObject({ lost: 0, running: 1 });
    fold([at(beat(alive, sinceMs), 11, sinceMs + 8_001)], state);
    expect(totals(state)).toMatchObject({ lost: 1, running: 0, total: 1, reconciled: true });
  });

  it('are lost at the first word of its next boot', () => {
    const state = fold(
      recordsOf([
        ...interleaved([onePlanned(), onePlanned({ id: 'req-2', started: false })], gateway('boot-1')),
        beat(gateway('boot-2'), START_MS),
      ]),
    );
    expect(totals(state)).toMatchObject({ lost: 2, running: 0, waiting: 0, total: 2, reconciled: true });
  });

  it('move from lost to their true end when its spool delivers later', () => {
    const old = gateway('boot-1');
    const [received, started, completed] = interleaved([onePlanned({ end: 'completed' })], old);
    const state = fold(recordsOf([received!, started!, beat(gateway('boot-2'), START_MS)]));
    expect(totals(state).lost).toBe(1);
    fold(recordsOf([completed!], 3n), state);
    expect(totals(state)).toMatchObject({ lost: 0, total: 1, reconciled: true });
    expect(totals(state).counts.successful).toBe(1);
  });

  it('are open again when it was only silent', () => {
    const slow = gateway();
    const other = new EventSource('/gateways/other', 'boot');
    const state = fold(recordsOf(interleaved([onePlanned()], slow)));
    fold([at(beat(other, START_MS), 5, START_MS + 20_000)], state);
    expect(totals(state).lost).toBe(1);
    fold([at(heartbeat(slow, 0, START_MS, 1), 6, START_MS + 20_100)], state);
    expect(totals(state)).toMatchObject({ lost: 0, running: 1, reconciled: true });
  });

  it('stay lost when its spool delivers heartbeats from before its next life, though never so late', () => {
    const [old, next] = [gateway('boot-1'), gateway('boot-2')];
    const state = fold(recordsOf([beat(old, START_MS), ...interleaved([onePlanned()], old)]));
    const spooled = beat(old, START_MS + 1_000);
    fold([at(beat(next, START_MS + 60_000), 10, START_MS + 60_000), at(spooled, 11, START_MS + 60_010)], state);
    expect(totals(state)).toMatchObject({ lost: 1, running: 0, reconciled: true });
    expect(liveGateways([state])).toHaveLength(1);
    const copy = copyOf(state, LIMITS);
    fold([at(beat(old, START_MS + 1_500), 12, START_MS + 60_020)], copy);
    expect(totals(copy).lost).toBe(1);
  });

  it('are open again when another gateway has only taken its name', () => {
    const [one, namesake] = [gateway('boot-1'), gateway('boot-2')];
    const state = fold(recordsOf([beat(one, START_MS), ...interleaved([onePlanned()], one)]));
    fold([at(beat(namesake, START_MS + 1_000), 10, START_MS + 1_000)], state);
    expect(totals(state).lost).toBe(1);
    fold([at(heartbeat(one, 0, START_MS + 1_500, 1), 11, START_MS + 1_500)], state);
    expect(totals(state)).toMatchObject({ lost: 0, running: 1, reconciled: true });
    fold([at(beat(namesake, START_MS + 2_000), 12, START_MS + 2_000)], state);
    expect(liveGateways([state])).toHaveLength(2);
  });
});

describe('requests whose end was dropped', () => {
  it('are lost when their gateway says that it has nothing in hand, and not while something of it is missing', () => {
    const source = gateway();
    const state = fold(recordsOf(interleaved([onePlanned(), onePlanned({ id: 'waiting', started: false })], source)));
    fold([at(heartbeat(source, 0, START_MS, 1), 10, START_MS)], state);
    expect(totals(state)).toMatchObject({ running: 1, waiting: 1, lost: 0 });
    const [late, idle] = [beat(source, START_MS), beat(source, START_MS)];
    fold([at(idle, 11, START_MS)], state);
    expect(totals(state)).toMatchObject({ running: 1, waiting: 1, lost: 0 });
    fold([at(late, 12, START_MS)], state);
    expect(totals(state)).toMatchObject({ running: 1, waiting: 1, lost: 0 });
    fold([at(beat(source, START_MS), 13, START_MS)], state);
    expect(totals(state)).toMatchObject({ running: 0, waiting: 0, lost: 2, total: 2, reconciled: true });
    fold([at(endOf('req-1', source), 14, START_MS)], state);
    expect(totals(state)).toMatchObject({ lost: 1, total: 2, reconciled: true });
    expect(totals(state).counts.successful).toBe(1);
  });
});

describe('events that never come', () => {
  it('are counted as missing, and a request known by its end alone still counts as received', () => {
    const [, , completed] = interleaved([onePlanned({ end: 'completed' })], gateway());
    const state = fold(recordsOf([completed!]));
    expect(state.producers.missing).toBe(2);
    expect(totals(state)).toMatchObject({ total: 1, receivedMissing: 1, reconciled: true });
  });

  it('are given up after ten minutes of log time; then what comes of them is a repeat', () => {
    const source = gateway();
    const [received, , completed] = interleaved([onePlanned({ end: 'completed' })], source);
    const state = fold(recordsOf([completed!]));
    const later = START_MS + 600_101;
    fold([{ offset: 1n, timestampMs: later, decoded: { ok: true, value: heartbeat(source, 0, later) } }], state);
    fold([{ offset: 2n, timestampMs: later, decoded: { ok: true, value: received! } }], state);
    expect(state.duplicates).toBe(1);
    expect(state.producers.missing).toBe(2);
    expect(totals(state)).toMatchObject({ total: 1, receivedMissing: 1, reconciled: true });
  });

  it('do not let a second end of the same request count', () => {
    const source = gateway();
    const [received, , completed] = interleaved([onePlanned({ end: 'completed' })], source);
    const again = { ...completed!, sequence: 9 } as InferometerEvent;
    const state = fold(recordsOf([received!, completed!, again]));
    expect(totals(state)).toMatchObject({ total: 1, reconciled: true });
    expect(totals(state).counts.successful).toBe(1);
  });

  it('that cannot be decoded are counted by reason and change nothing else', () => {
    const state = fold([{ offset: 0n, timestampMs: START_MS, decoded: { ok: false, reason: 'not_json', detail: '' } }]);
    expect([...state.undecodable]).toEqual([['not_json', 1]]);
    expect(state.next).toBe(1n);
    expect(totals(state).total).toBe(0);
  });

  it('are each waited for as long, whenever another was found missing', () => {
    const source = gateway();
    const lose = () => beat(source, START_MS);
    lose();
    const state = fold([at(beat(source, minute(0)), 0, minute(0))]);
    const late = lose();
    fold([at(beat(source, minute(9)), 1, minute(9)), at(beat(source, minute(11)), 2, minute(11))], state);
    fold([at(late, 3, minute(12))], state);
    expect([state.duplicates, state.producers.missing]).toEqual([0, 1]);
  });

  it('do not make the fold remember requests that they cannot belong to', () => {
    const source = gateway();
    const open = eventsOf(onePlanned({ id: 'open' }), source, 0, START_MS);
    const state = fold(recordsOf([...open]));
    beat(source, START_MS);
    const later = Array.from({ length: 100 }, (_unused, index) =>
      eventsOf(onePlanned({ id: `later-${index}`, end: 'completed' }), source, 0, START_MS),
    );
    fold(recordsOf([...later.flat(), endOf('open', source)], 10n), state);
    const [producer] = state.producers.all();
    expect([...producer!.open.keys()]).toEqual(['open']);
    expect(totals(state)).toMatchObject({ total: 101, running: 0, reconciled: true });
  });
});

describe('bounds', () => {
  it('of open requests: the oldest counts as lost, and comes back for nothing', () => {
    const source = gateway();
    const state = fold([]);
    const received = (index: number): InferometerEvent =>
      eventsOf(onePlanned({ id: `req-${index}`, started: false }), source, 0, START_MS)[0]!;
    for (let index = 0; index <= 100_000; index += 1) fold([at(received(index), index, START_MS)], state);
    expect([...state.producers.all()][0]!.open.size).toBe(100_000);
    expect(totals(state)).toMatchObject({ total: 100_001, lost: 1, waiting: 100_000, reconciled: true });
  });

  it('of producers: the one that was silent for longest is forgotten, and what it lacked stays missing', () => {
    const first = gateway('boot', 'first');
    beat(first, START_MS);
    const state = fold([at(beat(first, START_MS), 0, START_MS)]);
    for (let index = 1; index <= 10_000; index += 1) {
      const open = eventsOf(onePlanned({ id: `req-${index}`, started: false }), gateway('boot', `gw-${index}`), 0, START_MS);
      fold([at(open[0]!, index, START_MS + 1)], state);
    }
    const sources = [...state.producers.all()].map(({ source }) => source);
    expect([sources.length, sources.includes('/gateways/first'), state.producers.missing]).toEqual([10_000, false, 1]);
    expect(totals(state)).toMatchObject({ total: 10_000, waiting: 10_000, reconciled: true });
  });
});
