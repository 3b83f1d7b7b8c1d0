import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERROR_TYPES, EventSource, type InferometerEvent } from '#libs/contracts';
import {
  eventsOf,
  heartbeat,
  interleaved,
  LIMITS,
  onePlanned,
  plannedRequests,
  recordsOf,
  stampedBy,
  START_MS,
} from '../../../test/support/traffic.js';
import { at, beat, fold, gateway, hardTimes, totals, traceId, tracedBy } from '../../../test/support/fold.js';
import { PartitionState } from './partition-state.js';
import { exemplarsJson } from './series-exemplars.js';
import { canonical, copyOf } from './state-parts.js';

const probe = (id = 'p'): EventSource => new EventSource(`/probes/${id}`, 'boot');

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

  it('keeps its laws in hard times, after every prefix', () => {
    fc.assert(
      fc.property(hardTimes, (records) => {
        const state = new PartitionState(LIMITS);
        const requests = new Set<string>();
        let before = totals(state);
        for (const record of records) {
          const { duplicates } = state;
          state.apply(record, record.decoded);
          if (record.decoded.ok && 'request_id' in record.decoded.value.data && state.duplicates === duplicates) {
            requests.add(record.decoded.value.subject);
          }
          const now = totals(state);
          expect(now.reconciled).toBe(true);
          expect(now.total).toBe(requests.size);
          expect(now.counts.successful).toBeGreaterThanOrEqual(before.counts.successful);
          expect(now.lost).toBeGreaterThanOrEqual(0);
          before = now;
        }
        for (const { sequences } of state.producers.all()) expect(sequences.missing).toBeLessThan(sequences.highest);
      }),
      { numRuns: 500 },
    );
  });

  it('goes on from a copy in hard times, too', () => {
    fc.assert(
      fc.property(hardTimes, fc.nat(60), (records, cut) => {
        const copy = copyOf(fold(records.slice(0, cut)), LIMITS);
        expect(canonical(fold(records, copy))).toBe(canonical(fold(records)));
      }),
      { numRuns: 300 },
    );
  });
});

describe('records that are gone', () => {
  it('are counted to the one, before the first and between any two', () => {
    const source = gateway();
    const offsets = [4, 5, 9, 10];
    const state = fold(offsets.map((offset) => at(beat(source, START_MS), offset, START_MS)));
    expect([state.gapEvents, state.next, state.lastTimestampMs]).toEqual([7, 11n, START_MS]);
    fold([at(beat(source, START_MS), 6, START_MS)], state);
    expect(state.gapEvents).toBe(7);
  });

  it('are none where the fold was told to begin later', () => {
    const state = new PartitionState(LIMITS, { epoch: 1, replaced: 0, start: 4n });
    fold([at(beat(gateway(), START_MS), 4, START_MS)], state);
    expect([state.gapEvents, state.next]).toEqual([0, 5n]);
  });
});

describe('event time', () => {
  it('is clamped to a minute after the record', () => {
    const source = gateway();
    const [received] = interleaved([onePlanned()], source);
    const ahead = { ...received!, time: new Date(START_MS + 3_600_000).toISOString() } as InferometerEvent;
    const state = fold(recordsOf([ahead]));
    expect([...state.buckets.fine.keys()]).toEqual([START_MS + 60_000]);
    expect(state.skewed).toBe(1);
  });

  it('puts an old event into its true bucket while that is kept, and into the totals always', () => {
    const source = gateway();
    const events = interleaved([onePlanned(), onePlanned({ id: 'b' }), onePlanned({ id: 'c' })], source).filter(({ type }) =>
      type.endsWith('received.v1'),
    );
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

  it('goes back when the log’s clock is set back by more than a minute, and not for less', () => {
    const [dying, living] = [gateway('boot', 'dying'), gateway('boot', 'living')];
    const hourMs = 3_600_000;
    const wrongMs = START_MS + hourMs;
    const state = fold([at(beat(dying, wrongMs), 0, wrongMs), at(beat(living, wrongMs), 1, wrongMs)]);
    fold(
      recordsOf(interleaved([onePlanned()], dying), 2n).map((record) => ({ ...record, timestampMs: wrongMs - 59_000 })),
      state,
    );
    expect(state.logTimeMs).toBe(wrongMs);
    fold([at(beat(living, START_MS), 10, START_MS)], state);
    expect([state.logTimeMs, state.firstTimeMs]).toEqual([START_MS, START_MS]);
    expect(totals(state)).toMatchObject({ running: 1, lost: 0 });
    fold([at(beat(living, START_MS + 8_001), 11, START_MS + 8_001)], state);
    expect(totals(state)).toMatchObject({ running: 0, lost: 1, reconciled: true });
    expect([...state.buckets.fine.keys()]).toEqual([START_MS]);
  });
});

/** Requests that all take a second; each ends in the record of its time, in a trace of its own. */
function endedAt(...timesMs: readonly number[]): PartitionState {
  const source = gateway();
  const ends = timesMs.map((timeMs, index) => {
    const request = onePlanned({ id: `r-${index}`, end: 'completed', stream: false });
    const [, , end] = eventsOf(request, new EventSource('/gateways/draft', 'draft'), 0, START_MS);
    return at(tracedBy(stampedBy(source, end!), index), index, timeMs);
  });
  return fold(ends);
}

/** The exemplars of the durations of the first series. */
function shownBy(state: PartitionState) {
  return exemplarsJson([...state.series.byId.values()][0]!)?.['duration'];
}

describe('exemplars', () => {
  it('are of the newest request by the log’s clock that names its trace', () => {
    // That of the first request is none.
    expect(shownBy(endedAt(START_MS))).toBeUndefined();
    expect(shownBy(endedAt(START_MS, START_MS + 5, START_MS + 5, START_MS + 1))).toEqual([[traceId(2), 1, START_MS + 5]]);
  });

  it('do not stay for ever where the log’s clock was set back', () => {
    const hourMs = 3_600_000;
    expect(shownBy(endedAt(START_MS, START_MS + hourMs, START_MS))).toEqual([[traceId(2), 1, START_MS]]);
    const state = endedAt(START_MS, START_MS + hourMs);
    fold([at(beat(gateway('boot', 'other'), START_MS), 2, START_MS)], state);
    expect(shownBy(state)).toEqual([[traceId(1), 1, START_MS]]);
  });

  it('are shown of requests that never reached the upstream only among the failed ones', () => {
    const full = onePlanned({ end: 'failed', started: false, pick: ERROR_TYPES.indexOf('queue_full') });
    const state = fold(recordsOf(interleaved([full], gateway()).map((event) => tracedBy(event, 1))));
    expect(exemplarsJson([...state.series.byId.values()][0]!)).toEqual({ 'failed/queue_full': [[traceId(1), 1, START_MS + 100]] });
  });
});

describe('GPU readings', () => {
  const reading = { host: 'h', uuid: 'u', index: 0, name: 'X', vendor: 'NVIDIA', memory_total_bytes: 9, memory_free_bytes: 1 };
  const read = (source: EventSource, uuid: string, used: number): InferometerEvent =>
    source.stamp('io.inferometer.gpu.read.v1', 0, uuid, { ...reading, uuid, memory_used_bytes: used }, START_MS);

  it('are forgotten after an hour without a new one, though others come all the time', () => {
    const [gone, there] = [probe('gone'), probe('there')];
    const state = fold([at(read(gone, 'gone', 1), 0, START_MS), at(read(there, 'there', 1), 1, START_MS)]);
    fold([at(read(there, 'there', 2), 2, START_MS + 3_600_001)], state);
    expect([...state.gpus.keys()]).toEqual(['h/there']);
  });

  it('of more GPUs than there can be are forgotten, those heard of longest ago first', () => {
    const source = probe();
    const all = Array.from({ length: 10_002 }, (_unused, index) => at(read(source, `u-${index}`, 1), index, START_MS + index));
    const state = fold(all.slice(0, 10_000));
    fold([at(read(source, 'u-0', 2), 10_000, START_MS + 10_000)], state);
    for (const [index, { decoded }] of all.slice(10_000).entries())
      if (decoded.ok) fold([at({ ...decoded.value, sequence: 20_000 + index }, 10_001 + index, START_MS + 10_001)], state);
    expect([state.gpus.size, ['u-0', 'u-1', 'u-2', 'u-3'].map((uuid) => state.gpus.has(`h/${uuid}`))]).toEqual([
      10_000,
      [true, false, false, true],
    ]);
  });

  it('that come late do not take the place of newer ones', () => {
    const source = probe();
    const [old, young] = [read(source, 'u', 1), read(source, 'u', 2)];
    const state = fold(recordsOf([young, old]));
    expect(state.gpus.get('h/u')?.reading.memory_used_bytes).toBe(2);
  });
});
