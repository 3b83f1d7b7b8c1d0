import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DECODE_REASONS, type Decoded, type InferometerEvent } from '#libs/contracts';
import { anyEvent } from '../../../test/support/event-arbitrary.js';
import { at, gateway, hardTimes, traceId, tracedBy } from '../../../test/support/fold.js';
import { RollupWriter } from '../../../test/support/rollups.js';
import {
  endOf,
  eventsOf,
  heartbeat,
  interleaved,
  LIMITS,
  onePlanned,
  plannedRequests,
  recordsOf,
  START_MS,
  type TestRecord,
} from '../../../test/support/traffic.js';
import { DeltaFollower } from './delta-follower.js';
import { TRACED } from './delta-format.js';
import { Delta, peekDelta } from './delta-reader.js';
import { DeltaWriter } from './delta-writer.js';
import { traceIdOf } from './exemplar.js';
import { FIRST_ORIGIN, PartitionState } from './partition-state.js';
import { canonical } from './state-parts.js';

const decoded: fc.Arbitrary<Decoded<InferometerEvent>> = fc.oneof(
  { weight: 9, arbitrary: anyEvent.map((value) => ({ ok: true, value }) as const) },
  { weight: 1, arbitrary: fc.constantFrom(...DECODE_REASONS).map((reason) => ({ ok: false, reason, detail: 'd' }) as const) },
);

/** Any records at all, with holes between their offsets and a clock that runs as it likes. */
const anyRecords: fc.Arbitrary<readonly TestRecord[]> = fc
  .array(
    fc.record({
      decoded,
      skipped: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat(5)),
      passedMs: fc.integer({ min: -70_000, max: 70_000 }),
    }),
    {
      maxLength: 30,
    },
  )
  .map((steps) => {
    let [offset, timestampMs] = [0n, START_MS];
    return steps.map(({ decoded: its, skipped, passedMs }) => {
      offset += BigInt(skipped) + 1n;
      timestampMs += passedMs;
      return { offset: offset - 1n, timestampMs, decoded: its };
    });
  });
const records = fc.oneof(
  anyRecords,
  hardTimes,
  plannedRequests.map((requests) => recordsOf(interleaved(requests, gateway()))),
);
const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 12 });

/** The records as deltas of so many records each. */
function deltasOf(all: readonly TestRecord[], sizes: readonly number[]): readonly Delta[] {
  const writer = new RollupWriter();
  const left = [...all];
  return [...sizes, Infinity].flatMap((size) =>
    writer
      .fold(left.splice(0, size))
      .delta()
      .map(({ value }) => Delta.parse(value!)),
  );
}

function jsonOf(all: readonly TestRecord[]): Record<string, unknown> {
  const [part] = new RollupWriter().fold(all).delta();
  return JSON.parse(String(part!.value)) as Record<string, unknown>;
}

function foldOf(all: readonly TestRecord[]): PartitionState {
  const state = new PartitionState(LIMITS);
  for (const record of all) state.apply(record, record.decoded);
  return state;
}

function numbered(event: InferometerEvent, sequence: number, more = {}): InferometerEvent {
  return { ...event, sequence, data: { ...event.data, ...more } } as object as InferometerEvent;
}

describe('deltas', () => {
  it('move a state to the same bytes as the records themselves, however they are cut', () => {
    fc.assert(
      fc.property(records, cuts, (all, sizes) => {
        const follower = new DeltaFollower(LIMITS);
        for (const delta of deltasOf(all, sizes)) follower.take('r.1', delta);
        expect(canonical(follower.state ?? new PartitionState(LIMITS))).toBe(canonical(foldOf(all)));
      }),
      { numRuns: 500 },
    );
  });

  it('of several writers lead on from each other, and from any state on the way', () => {
    fc.assert(
      fc.property(records, cuts, cuts, fc.nat(30), (all, sizes, others, known) => {
        const follower = new DeltaFollower(LIMITS);
        follower.begin(foldOf(all.slice(0, known)), 'base', 0, 0);
        const deltas = [...deltasOf(all, sizes), ...deltasOf(all, others)].toSorted((a, b) => Number(a.from - b.from));
        for (const delta of deltas) follower.take('r.1', delta);
        expect(canonical(follower.state!)).toBe(canonical(foldOf(all)));
      }),
    );
  });

  it('that do not lead on are left alone: what is old, what comes too early, what is of another epoch', () => {
    const all = recordsOf(interleaved([onePlanned({ end: 'completed' })], gateway()));
    const [first, second, third] = deltasOf(all, [1, 1]);
    const follower = new DeltaFollower(LIMITS);
    expect([second, first, first, third, second].map((delta) => follower.take('r.1', delta!))).toEqual([false, true, false, false, true]);
    const anew = new RollupWriter({ state: new PartitionState(LIMITS, { epoch: 1, replaced: 1, start: 0n }) });
    const [begins] = anew.fold(all.slice(0, 1)).delta();
    const [goesOn] = anew.fold(all.slice(1)).delta();
    expect(follower.take('r.1', Delta.parse(goesOn!.value!))).toBe(false);
    expect(follower.take('r.1', Delta.parse(begins!.value!))).toBe(true);
    expect(follower.take('r.1', third!)).toBe(false);
    expect(follower.take('r.1', Delta.parse(goesOn!.value!))).toBe(true);
    expect(canonical(follower.state!)).toBe(canonical(anew.state));
  });

  it('leave out what was applied before', () => {
    const writer = new RollupWriter();
    const all = recordsOf(interleaved([onePlanned({ end: 'completed' })], gateway()));
    const [again] = writer.fold([all[0]!, all[0]!, all[1]!, all[0]!]).delta();
    expect(Delta.parse(again!.value!).entries()).toHaveLength(2);
  });

  it('tell apart what one id stands for: another model, tenant or operation', () => {
    const [source, request] = [gateway(), onePlanned({ end: 'completed', tenant: 'red' })];
    const others = [request, { ...request, tenant: 'blue' }, { ...request, tenant: undefined }, { ...request, model: 'other' }, request];
    const all = recordsOf(others.flatMap((other) => eventsOf(other, source, 0, START_MS)));
    const follower = new DeltaFollower(LIMITS);
    for (const delta of deltasOf(all, [])) follower.take('r.1', delta);
    expect(follower.state!.series.byId.size).toBe(4);
    expect(canonical(follower.state!)).toBe(canonical(foldOf(all)));
  });

  it('carry a zero with a sign, and numbers that hardly fit', () => {
    const [received, , completed] = interleaved([onePlanned({ end: 'completed' })], gateway());
    const data = { ...completed!.data, ttft_ms: -0, decode_ms: 5e-324, duration_ms: 123_456.789_012_3, output_tokens: 2, gaps: undefined };
    const event = { ...completed!, data: { ...data, chunks: 1 } } as object as InferometerEvent;
    const all = [at(received!, 0, START_MS), at(event, 1, START_MS)];
    const follower = new DeltaFollower(LIMITS);
    for (const delta of deltasOf(all, [])) follower.take('r.1', delta);
    expect(canonical(follower.state!)).toBe(canonical(foldOf(all)));
  });

  it('without traces say nothing of them, and with some differ in nothing that an older reader reads', () => {
    const events = interleaved([onePlanned({ end: 'completed' }), onePlanned({ id: 'r', end: 'failed', pick: 6 })], gateway());
    const [bare, traced] = [events, events.map((event, index) => tracedBy(event, index))].map((all) => jsonOf(recordsOf(all)));
    expect(Object.keys(bare!)).toEqual(['format', 'origin', 'from', 'to', 'lag', 'sources', 'labels', 'requests', 'readings', 'rows']);
    const { traces, rows, ...rest } = traced!;
    const [numbers, before] = [rows as number[], bare!['rows'] as number[]];
    // Of the terminal events alone.
    const ends = events.flatMap(({ type }, index) => (/received|started/.test(type) ? [] : traceId(index)));
    expect([ends.length, traces]).toEqual([2, ends]);
    expect({ ...rest, rows: before }).toEqual(bare);
    expect(numbers.map((number, index) => number - before[index]!).filter((more) => more !== 0)).toEqual([TRACED, TRACED]);
    expect(numbers).toHaveLength(before.length);
  });

  it('carry the traces that clients named, and none that is none', () => {
    const [source, ends] = [gateway(), ['completed', 'failed', 'cancelled', 'completed'] as const];
    // The trace of number 0 is none.
    const events = ends.flatMap((end, trace) =>
      eventsOf(onePlanned({ id: `r-${trace}`, end }), source, 0, START_MS).map((event) => tracedBy(event, trace)),
    );
    const [delta] = deltasOf(recordsOf(events), []);
    const carried = delta!
      .entries()
      .flatMap(({ decoded: { ok, ...rest } }) => (ok && 'value' in rest ? (traceIdOf(rest.value) ?? []) : []));
    expect(carried).toEqual([1, 2, 3].map(traceId));
  });

  it('carry what the fold looks at, whatever else stands in an event', () => {
    const [received, , completed] = interleaved([onePlanned({ id: 'r', end: 'completed' })], gateway());
    const beat = heartbeat(gateway(), 0, START_MS);
    // `r` ends while 2 is missing; when that comes, 4 is missing still; then a heartbeat names `r`.
    const events = [numbered(received!, 1), numbered(completed!, 3), numbered(beat, 5), numbered(beat, 2)];
    const all = recordsOf([...events, numbered(beat, 6, { request_id: 'r', tenant: 't', gaps: [1] })]);
    const follower = new DeltaFollower(LIMITS);
    for (const delta of deltasOf(all, [])) follower.take('r.1', delta);
    expect(canonical(follower.state!)).toBe(canonical(foldOf(all)));
  });

  it('are full before they are too large for a record, whatever stands in them', () => {
    for (const id of ['a', '\u0000', '"', '🦉']) {
      const [source, writer] = [gateway(), new DeltaWriter(FIRST_ORIGIN, 0n)];
      for (let offset = 0; !writer.isFull; offset += 1) {
        const request = onePlanned({ id: id.repeat(60) + offset, end: 'completed', durationMs: 1 / 3, tenant: `${id}${offset}`.repeat(9) });
        for (const event of eventsOf(request, source, 0, START_MS))
          writer.add(at(event, Number(writer.next), START_MS), { ok: true, value: event });
      }
      const value = Buffer.from(writer.text(0));
      expect(value.byteLength).toBeLessThan(990_000);
      expect(Delta.parse(value).entries()).toHaveLength(writer.records);
    }
  });

  it('are full at about the same size with traces and without', () => {
    const sizes = [false, true].map((isTraced) => {
      const [source, writer] = [gateway(), new DeltaWriter(FIRST_ORIGIN, 0n)];
      for (let count = 1; !writer.isFull; count += 1) {
        const end = endOf(`r-${count}`, source);
        const value = isTraced ? tracedBy(end, count) : end;
        writer.add(at(value, Number(writer.next), START_MS), { ok: true, value });
      }
      return writer.text(0).length;
    });
    expect(Math.max(...sizes) / Math.min(...sizes)).toBeLessThan(1.2);
  });

  it('tell how far they go at a glance', () => {
    const writer = new DeltaWriter({ epoch: 7, replaced: 1, start: 5n }, 8n);
    expect(peekDelta(Buffer.from(writer.text(0)))).toEqual({ epoch: 7, next: 8n });
    expect(peekDelta(Buffer.from('{"format":2,'))).toBeUndefined();
  });
});

describe('a delta that nobody wrote', () => {
  const good = jsonOf(recordsOf(interleaved([onePlanned({ end: 'completed' })], gateway()).map((event) => tracedBy(event, 1))));

  it.each([
    ['is of another format', { format: 2 }],
    ['has a row cut off', { rows: (good['rows'] as number[]).slice(0, -1) }],
    ['has text for a number', { rows: [...(good['rows'] as number[]).slice(0, -1), '9'] }],
    ['names a request that is not there', { requests: [] }],
    ['names a producer that is not there', { sources: [] }],
    ['has a row too many', { rows: [...(good['rows'] as number[]), 9 << 6, 0] }],
    ['has a kind that is not known', { rows: [20 << 6] }],
    ['has no traces', { traces: undefined }],
    ['has fewer traces than rows that name one', { traces: [] }],
    ['has a trace that is too long', { traces: [`${traceId(1)}1`] }],
    ['has a trace in capitals', { traces: ['A'.repeat(32)] }],
    ['has the trace that is none', { traces: [traceId(0)] }],
    ['has a trace that breaks the line', { traces: [`${'a'.repeat(31)}\n`] }],
    ['has a trace that is no text', { traces: [1] }],
  ])('and %s changes nothing', (_what, change) => {
    const follower = new DeltaFollower(LIMITS);
    expect(() => follower.take('r.1', Delta.parse(Buffer.from(JSON.stringify({ ...good, ...change }))))).toThrow(Error);
    expect(follower.state).toBeUndefined();
  });
});
