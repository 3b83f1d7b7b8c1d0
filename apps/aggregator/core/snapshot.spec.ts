import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventSource } from '#libs/contracts';
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
import { startOf } from './buckets.js';
import { FleetView, rollupKey } from './fleet-view.js';
import { Totals, totalsBy } from './fleet-totals.js';
import { PartitionState } from './partition-state.js';
import { canonical, headOf, PieceSet, type SnapshotPart } from './snapshot-parts.js';
import { SnapshotReader } from './snapshot-reader.js';
import { SnapshotWriter } from './snapshot-writer.js';

const gateway = new EventSource('/gateways/gw', 'boot');
const publication = { replica: 'r', lagMs: 0 };

function fold(state: PartitionState, records: readonly TestRecord[]): PartitionState {
  for (const record of records) state.apply(record, record.decoded);
  return state;
}

function readAll(reader: SnapshotReader, parts: readonly SnapshotPart[]): boolean {
  return parts.map((part) => reader.put(part)).at(-1) ?? false;
}

/** A day and a bit of heartbeats, so that buckets retire and vanish, and so does the gateway that is heard of only once. */
function longRecords(): readonly TestRecord[] {
  const [brief, long] = [new EventSource('/gateways/brief', 'boot'), new EventSource('/gateways/long', 'boot')];
  return Array.from({ length: 60 }, (_unused, index) => {
    const timestampMs = START_MS + index * 1_800_000;
    const value = heartbeat(index === 0 ? brief : long, 0, timestampMs, index);
    return { offset: BigInt(index), timestampMs, decoded: { ok: true, value } };
  });
}

/** What a compacted topic keeps of the parts. */
class Compacted {
  private readonly parts = new Map<string, SnapshotPart>();

  put(parts: readonly SnapshotPart[]): void {
    for (const part of parts) {
      this.parts.delete(part.name);
      if (part.value !== null) this.parts.set(part.name, part);
    }
  }

  /** A reader that comes late. */
  read(): SnapshotReader {
    const reader = new SnapshotReader(LIMITS);
    if (!readAll(reader, [...this.parts.values()])) throw new Error('the reader did not take what the topic holds');
    if ([...reader.names()].length !== this.parts.size - 1) throw new Error('the reader knows of other parts than the topic holds');
    return reader;
  }
}

describe('snapshots', () => {
  it('let a reader follow the writer byte for byte, snapshot by snapshot', () => {
    fc.assert(
      fc.property(plannedRequests, fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 12 }), (requests, steps) => {
        const records = [...recordsOf(interleaved(requests, new EventSource('/gateways/gw', 'boot')))];
        const [state, writer, reader] = [new PartitionState(LIMITS), new SnapshotWriter(), new SnapshotReader(LIMITS)];
        for (const step of [...steps, Infinity]) {
          fold(state, records.splice(0, step));
          expect(readAll(reader, writer.take(state, publication))).toBe(true);
          state.next ??= 0n;
          expect(canonical(reader.state)).toBe(canonical(state));
        }
      }),
    );
  });

  it('follow buckets and producers as they retire and vanish', () => {
    const [state, writer, reader] = [new PartitionState(LIMITS), new SnapshotWriter(), new SnapshotReader(LIMITS)];
    const topic = new Compacted();
    for (const record of longRecords()) {
      fold(state, [record]);
      const parts = writer.take(state, publication);
      topic.put(parts);
      readAll(reader, parts);
      expect(canonical(reader.state)).toBe(canonical(state));
    }
    expect(canonical(topic.read().state)).toBe(canonical(state));
    expect(state.buckets.fine.size).toBeLessThanOrEqual(3);
    expect(state.buckets.coarse.size).toBeLessThan(60);
    expect([...state.producers.all()]).toHaveLength(1);
  });

  it('write only what changed', () => {
    const [state, writer] = [new PartitionState(LIMITS), new SnapshotWriter()];
    const source = new EventSource('/gateways/gw', 'boot');
    fold(state, recordsOf([heartbeat(source, 0, START_MS)]));
    writer.take(state, publication);
    fold(state, recordsOf([heartbeat(source, 0, START_MS)], 1n));
    expect(writer.take(state, publication).map(({ name }) => name.replace(/\/.*/, ''))).toEqual(['producer', 'head']);
  });

  it('are ignored and counted when a part is missing, torn, or of another version', () => {
    const [received] = interleaved([onePlanned()], gateway);
    const parts = new SnapshotWriter().take(fold(new PartitionState(LIMITS), recordsOf([received!])), publication);
    const torn = parts.map((part) => (part.name.startsWith('series/') ? { ...part, value: part.value!.subarray(1) } : part));
    const foreign = parts.map((part) => (part.name === 'head' ? { ...part, value: Buffer.from('{"format":99}') } : part));
    for (const bad of [parts.slice(1), torn, foreign]) {
      const reader = new SnapshotReader(LIMITS);
      expect(readAll(reader, bad)).toBe(false);
      expect(reader.next).toBeUndefined();
      expect(reader.rejected).toBe(1);
    }
  });
});

/** A head of our format with the right checksum over parts that nobody wrote. */
function forged(name: string, text: string): readonly SnapshotPart[] {
  const pieces = new PieceSet();
  pieces.set(name, text);
  const head = headOf(fold(new PartitionState(LIMITS), longRecords().slice(0, 1)), pieces.fingerprint, publication);
  return [
    { name, value: Buffer.from(text) },
    { name: 'head', value: Buffer.from(JSON.stringify(head)) },
  ];
}

describe('parts', () => {
  it('that are too large for a record are written in pieces, and put together again as they grow and shrink', () => {
    const source = new EventSource('/gateways/gw', 'boot');
    const many = Array.from({ length: 12_000 }, (_unused, index) => onePlanned({ id: `${'🦉'.repeat(20)}-${index}` }));
    const requests = many.map((request) => eventsOf(request, source, 0, START_MS));
    const [state, writer, reader] = [new PartitionState(LIMITS), new SnapshotWriter(), new SnapshotReader(LIMITS)];
    const records = recordsOf(requests.flat());
    fold(state, records);
    const topic = new Compacted();
    const parts = writer.take(state, publication);
    topic.put(parts);
    expect(parts.filter(({ name }) => name.startsWith('producer/')).length).toBeGreaterThan(1);
    expect(Math.max(...parts.map(({ value }) => value?.byteLength ?? 0))).toBeLessThan(1_000_000);
    expect(readAll(reader, parts)).toBe(true);
    expect(canonical(reader.state)).toBe(canonical(state));
    const ends = many.map(({ id }) => endOf(id, source));
    fold(state, recordsOf(ends, BigInt(records.length)));
    const fewer = writer.take(state, publication);
    topic.put(fewer);
    expect(readAll(reader, fewer)).toBe(true);
    expect(canonical(reader.state)).toBe(canonical(state));
    expect(canonical(topic.read().state)).toBe(canonical(state));
    expect([...reader.state.producers.all()][0]!.open.size).toBe(0);
  });

  it('whose deletion was missed are dropped, when the head can no longer mean them', () => {
    const [state, writer] = [new PartitionState(LIMITS), new SnapshotWriter()];
    const [attentive, asleep] = [new SnapshotReader(LIMITS), new SnapshotReader(LIMITS)];
    for (const record of longRecords()) {
      fold(state, [record]);
      const parts = writer.take(state, publication);
      readAll(attentive, parts);
      expect(
        readAll(
          asleep,
          parts.filter(({ value }) => value !== null),
        ),
      ).toBe(true);
    }
    expect(canonical(asleep.state)).toBe(canonical(state));
    expect([...asleep.names()].toSorted()).toEqual([...attentive.names()].toSorted());
  });

  it('that nobody wrote leave the state as it was', () => {
    const reader = new SnapshotReader(LIMITS);
    const state = fold(new PartitionState(LIMITS), longRecords());
    readAll(reader, new SnapshotWriter().take(state, publication));
    for (const name of Array.from(reader.names())) reader.put({ name, value: null });
    for (const part of forged('series/1', '{"labels":{}}')) expect(reader.put(part)).toBe(false);
    expect(reader.rejected).toBe(1);
    expect(canonical(reader.state)).toBe(canonical(state));
    const view = new SnapshotReader(LIMITS);
    const start = startOf(START_MS, 10_000);
    for (const part of forged(`fine/${start}`, '{"peakRunning":"no"')) view.put(part);
    expect([...view.state.buckets.fine.get(start)!.figures]).toEqual([]);
  });
});

function publishTo(view: FleetView, partition: number, replica: string, writer: SnapshotWriter, state: PartitionState): void {
  for (const { name, value } of writer.take(state, { replica, lagMs: 0 })) {
    view.put(rollupKey('requests', partition, replica, name), value, state.logTimeMs);
  }
}

function publish(view: FleetView, replica: string, writer: SnapshotWriter, state: PartitionState): void {
  publishTo(view, 0, replica, writer, state);
}

describe('the fleet view', () => {
  it('takes the snapshot with the greatest offset, whoever wrote it and whenever it comes', () => {
    const records = longRecords();
    const [view, old, young] = [new FleetView(LIMITS), new PartitionState(LIMITS), new PartitionState(LIMITS)];
    publish(view, 'young', new SnapshotWriter(), fold(young, records.slice(0, 9)));
    publish(view, 'zombie', new SnapshotWriter(), fold(old, records.slice(0, 5)));
    expect(view.states('requests').map((state) => state.next)).toEqual([9n]);
    expect(canonical(view.restore('requests', 0)!)).toBe(canonical(young));
  });

  it('never shows a snapshot half', () => {
    fc.assert(
      fc.property(plannedRequests, fc.nat(40), (requests, cut) => {
        const records = recordsOf(interleaved(requests, new EventSource('/gateways/gw', 'boot')));
        const [view, state, writer] = [new FleetView(LIMITS), new PartitionState(LIMITS), new SnapshotWriter()];
        publish(view, 'r', writer, fold(state, records.slice(0, cut)));
        fold(state, records.slice(cut));
        for (const { name, value } of writer.take(state, publication)) {
          view.put(rollupKey('requests', 0, 'r', name), value, START_MS);
          const totals = totalsBy(view.states('requests'), () => '').get('') ?? new Totals();
          expect(totals.reconciled).toBe(true);
        }
      }),
    );
  });

  it('believes a replica that gets a partition back, after others had it for a while', () => {
    const [view, state, mine, others] = [new FleetView(LIMITS), new PartitionState(LIMITS), new SnapshotWriter(), new SnapshotWriter()];
    const source = new EventSource('/gateways/gw', 'boot');
    const received = eventsOf(onePlanned({ id: 'r' }), source, 0, START_MS);
    const records = longRecords().flatMap(({ decoded, timestampMs }, index) => {
      const extra = index === 5 ? received : index === 30 ? [endOf('r', source)] : [];
      return [decoded, ...extra.map((value) => ({ ok: true, value }) as const)].map((each) => ({ timestampMs, decoded: each }));
    });
    for (const [index, record] of records.entries()) {
      const [replica, writer] = index >= 20 && index < 40 ? (['other', others] as const) : (['mine', mine] as const);
      if (index % 20 === 0) writer.startOver();
      publish(view, replica, writer, fold(state, [{ ...record, offset: BigInt(index) }]));
      expect(view.states('requests').map(({ next }) => next)).toEqual([BigInt(index + 1)]);
    }
    expect(view.rejected).toBe(0);
    expect(canonical(view.states('requests')[0]!)).toBe(canonical(state));
  });

  it('says how far a partition is behind the others if nobody reads it', () => {
    const [view, early, late] = [new FleetView(LIMITS), new PartitionState(LIMITS), new PartitionState(LIMITS)];
    publish(view, 'r', new SnapshotWriter(), fold(early, longRecords().slice(0, 1)));
    const later = longRecords()
      .slice(0, 1)
      .map((record) => ({ ...record, timestampMs: START_MS + 4_000 }));
    publishTo(view, 1, 'r', new SnapshotWriter(), fold(late, later));
    expect(view.lagMs).toBe(0);
    publishTo(view, 2, 'r', new SnapshotWriter(), fold(new PartitionState(LIMITS), longRecords().slice(1, 2)));
    expect(view.lagMs).toBe(1_800_000);
  });

  it('counts keys that it does not know', () => {
    const view = new FleetView(LIMITS);
    view.put('nonsense', Buffer.from('{}'), START_MS);
    expect(view.foreign).toBe(1);
    expect(view.states('requests')).toEqual([]);
  });
});
