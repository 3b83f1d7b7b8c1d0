import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventSource, type InferometerEvent } from '#libs/contracts';
import {
  heartbeat,
  interleaved,
  LIMITS,
  plannedRequests,
  recordsOf,
  START_MS,
  type PlannedRequest,
  type TestRecord,
} from '../../../test/support/traffic.js';
import { Totals, totalsBy } from './fleet-totals.js';
import { PartitionState } from './partition-state.js';
import { canonical, copyOf } from './snapshot.js';

const gateway = (boot = 'boot-1') => new EventSource('/gateways/gw', boot);

function fold(records: readonly TestRecord[], state = new PartitionState(LIMITS)): PartitionState {
  for (const record of records) state.apply(record, record.decoded);
  return state;
}

function totals(...states: readonly PartitionState[]): Totals {
  return totalsBy(states, () => 'all').get('all') ?? new Totals();
}

const beat = (source: EventSource, atMs: number): InferometerEvent => heartbeat(source, 0, atMs);

const at = (event: InferometerEvent, offset: number, timestampMs: number): TestRecord => ({
  offset: BigInt(offset),
  timestampMs,
  decoded: { ok: true, value: event },
});

const one = (overrides: Partial<PlannedRequest> = {}): PlannedRequest => ({
  id: 'req-1',
  model: 'm',
  tenant: undefined,
  stream: true,
  started: true,
  end: undefined,
  durationMs: 1000,
  outputTokens: 10,
  pick: 5,
  ...overrides,
});

describe('the fold as a function of the records', () => {
  it('obeys the conservation law after every prefix', () => {
    fc.assert(
      fc.property(plannedRequests, (requests) => {
        const state = new PartitionState(LIMITS);
        const seen = new Set<string>();
        for (const record of recordsOf(interleaved(requests, gateway()))) {
          state.apply(record, record.decoded);
          if (record.decoded.ok) seen.add(record.decoded.value.subject);
          const sums = totals(state);
          expect(sums.reconciled).toBe(true);
          expect(sums.total).toBe(seen.size);
        }
      }),
    );
  });

  it('gives byte-equal partitions for any interleaving of partitions', () => {
    const order = fc.infiniteStream(fc.nat(2));
    fc.assert(
      fc.property(fc.tuple(plannedRequests, plannedRequests, plannedRequests), order, (byPartition, turns) => {
        const source = gateway();
        const logs = byPartition.map((requests, partition) => recordsOf(interleaved(requests, source, partition)));
        const straight = logs.map((records) => canonical(fold(records)));
        const states = logs.map(() => new PartitionState(LIMITS));
        const queues = logs.map((records) => [...records]);
        while (queues.some((queue) => queue.length > 0)) {
          const turn = turns.next().value;
          const record = queues[turn]?.shift();
          if (record) states[turn]?.apply(record, record.decoded);
          else queues.forEach((queue, index) => queue.splice(0).forEach((rest) => states[index]?.apply(rest, rest.decoded)));
        }
        expect(states.map(canonical)).toEqual(straight);
      }),
    );
  });

  it('is not changed by redelivery of records', () => {
    fc.assert(
      fc.property(plannedRequests, fc.infiniteStream(fc.nat(10)), (requests, jumps) => {
        const records = recordsOf(interleaved(requests, gateway()));
        const state = new PartitionState(LIMITS);
        records.forEach((_record, index) => fold(records.slice(Math.max(0, index - jumps.next().value), index + 1), state));
        expect(canonical(state)).toBe(canonical(fold(records)));
      }),
    );
  });

  it('counts events appended twice once, and says how many there were', () => {
    fc.assert(
      fc.property(plannedRequests, fc.infiniteStream(fc.boolean()), (requests, again) => {
        const events = interleaved(requests, gateway());
        const doubled = events.flatMap((event) => (again.next().value ? [event, event] : [event]));
        const state = fold(recordsOf(doubled));
        const straight = fold(recordsOf(events));
        expect(state.duplicates).toBe(doubled.length - events.length);
        expect(totals(state)).toEqual(totals(straight));
        expect(state.producers.missing).toBe(0);
      }),
    );
  });

  it('ends in the same state whatever the order in which a producer’s events arrive', () => {
    const shuffled = plannedRequests.chain((requests) => {
      const events = interleaved(requests, gateway());
      return fc.tuple(fc.constant(events), fc.shuffledSubarray([...events], { minLength: events.length }));
    });
    fc.assert(
      fc.property(shuffled, ([events, inAnyOrder]) => {
        const state = new PartitionState(LIMITS);
        for (const record of recordsOf(inAnyOrder)) {
          state.apply(record, record.decoded);
          expect(totals(state).reconciled).toBe(true);
        }
        expect(canonical(state)).toBe(canonical(fold(recordsOf(events))));
      }),
      { numRuns: 300 },
    );
  });

  it('goes on from a copy at any point as if nothing had happened', () => {
    fc.assert(
      fc.property(plannedRequests, fc.nat(60), (requests, cut) => {
        const records = recordsOf(interleaved(requests, gateway()));
        const copy = copyOf(fold(records.slice(0, cut)), LIMITS);
        expect(canonical(fold(records, copy))).toBe(canonical(fold(records)));
      }),
    );
  });
});

describe('requests whose gateway dies', () => {
  it('are lost when 3 intervals and 5 s of log time pass without its heartbeat, and not before', () => {
    const dead = gateway();
    const alive = new EventSource('/gateways/other', 'boot');
    const state = fold(recordsOf([beat(dead, START_MS), ...interleaved([one()], dead)]));
    const sinceMs = START_MS;
    fold([at(beat(alive, sinceMs), 10, sinceMs + 8_000)], state);
    expect(totals(state)).toMatchObject({ lost: 0, running: 1 });
    fold([at(beat(alive, sinceMs), 11, sinceMs + 8_001)], state);
    expect(totals(state)).toMatchObject({ lost: 1, running: 0, total: 1, reconciled: true });
  });

  it('are lost at the first word of its next boot', () => {
    const state = fold(
      recordsOf([...interleaved([one(), one({ id: 'req-2', started: false })], gateway('boot-1')), beat(gateway('boot-2'), START_MS)]),
    );
    expect(totals(state)).toMatchObject({ lost: 2, running: 0, waiting: 0, total: 2, reconciled: true });
  });

  it('move from lost to their true end when its spool delivers later', () => {
    const old = gateway('boot-1');
    const [received, started, completed] = interleaved([one({ end: 'completed' })], old);
    const state = fold(recordsOf([received!, started!, beat(gateway('boot-2'), START_MS)]));
    expect(totals(state).lost).toBe(1);
    fold(recordsOf([completed!], 3n), state);
    expect(totals(state)).toMatchObject({ lost: 0, total: 1, reconciled: true });
    expect(totals(state).figures.successful).toBe(1);
  });

  it('are open again when it was only silent', () => {
    const slow = gateway();
    const other = new EventSource('/gateways/other', 'boot');
    const state = fold(recordsOf(interleaved([one()], slow)));
    fold([at(beat(other, START_MS), 5, START_MS + 20_000)], state);
    expect(totals(state).lost).toBe(1);
    fold([at(beat(slow, START_MS), 6, START_MS + 20_100)], state);
    expect(totals(state)).toMatchObject({ lost: 0, running: 1, reconciled: true });
  });
});

describe('events that never come', () => {
  it('are counted as missing, and a request known by its end alone still counts as received', () => {
    const [, , completed] = interleaved([one({ end: 'completed' })], gateway());
    const state = fold(recordsOf([completed!]));
    expect(state.producers.missing).toBe(2);
    expect(totals(state)).toMatchObject({ total: 1, receivedMissing: 1, reconciled: true });
  });

  it('are given up after ten minutes of log time; then what comes of them is a repeat', () => {
    const source = gateway();
    const [received, , completed] = interleaved([one({ end: 'completed' })], source);
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
    const [received, , completed] = interleaved([one({ end: 'completed' })], source);
    const again = { ...completed!, sequence: 9 } as InferometerEvent;
    const state = fold(recordsOf([received!, completed!, again]));
    expect(totals(state)).toMatchObject({ total: 1, reconciled: true });
    expect(totals(state).figures.successful).toBe(1);
  });

  it('that cannot be decoded are counted by reason and change nothing else', () => {
    const state = fold([{ offset: 0n, timestampMs: START_MS, decoded: { ok: false, reason: 'not_json', detail: '' } }]);
    expect([...state.undecodable]).toEqual([['not_json', 1]]);
    expect(state.next).toBe(1n);
    expect(totals(state).total).toBe(0);
  });
});

describe('event time', () => {
  it('is clamped to a minute after the record', () => {
    const source = gateway();
    const [received] = interleaved([one()], source);
    const ahead = { ...received!, time: new Date(START_MS + 3_600_000).toISOString() } as InferometerEvent;
    const state = fold(recordsOf([ahead]));
    expect([...state.buckets.fine.keys()]).toEqual([START_MS + 60_000]);
    expect(state.skewed).toBe(1);
  });

  it('puts an old event into its true bucket while that is kept, and into the totals always', () => {
    const source = gateway();
    const events = interleaved([one(), one({ id: 'b' }), one({ id: 'c' })], source).filter(({ type }) => type.endsWith('received.v1'));
    const ages = [0, 7_200_000, 2 * 86_400_000];
    const state = fold([{ offset: 0n, timestampMs: START_MS, decoded: { ok: true, value: heartbeat(source, 0, START_MS) } }]);
    events.forEach((event, index) => {
      const old = { ...event, sequence: 100 + index, time: new Date(START_MS - ages[index]!).toISOString() } as InferometerEvent;
      fold([{ offset: BigInt(index + 1), timestampMs: START_MS, decoded: { ok: true, value: old } }], state);
    });
    expect(state.buckets.fine.has(START_MS)).toBe(true);
    expect(state.buckets.coarse.has(START_MS - 7_200_000)).toBe(true);
    expect(totals(state).total).toBe(3);
  });
});
