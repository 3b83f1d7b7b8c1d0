import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventSource } from '#libs/contracts';
import { heartbeat, interleaved, LIMITS, plannedRequests, recordsOf, START_MS, type TestRecord } from '../../../test/support/traffic.js';
import { FleetView, rollupKey } from './fleet-view.js';
import { Totals, totalsBy } from './fleet-totals.js';
import { PartitionState } from './partition-state.js';
import { canonical, SnapshotReader, SnapshotWriter, type SnapshotPart } from './snapshot.js';

const gateway = new EventSource('/gateways/gw', 'boot');
const publication = { replica: 'r', lagMs: 0 };

function fold(state: PartitionState, records: readonly TestRecord[]): PartitionState {
  for (const record of records) state.apply(record, record.decoded);
  return state;
}

function readAll(reader: SnapshotReader, parts: readonly SnapshotPart[]): boolean {
  return parts.map((part) => reader.put(part)).at(-1) ?? false;
}

/** A day and a bit of heartbeats, so that buckets retire and vanish. */
function longRecords(): readonly TestRecord[] {
  const source = new EventSource('/gateways/long', 'boot');
  return Array.from({ length: 60 }, (_unused, index) => {
    const timestampMs = START_MS + index * 1_800_000;
    return { offset: BigInt(index), timestampMs, decoded: { ok: true, value: heartbeat(source, 0, timestampMs, index) } };
  });
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

  it('follow buckets as they retire and vanish', () => {
    const [state, writer, reader] = [new PartitionState(LIMITS), new SnapshotWriter(), new SnapshotReader(LIMITS)];
    for (const record of longRecords()) {
      fold(state, [record]);
      readAll(reader, writer.take(state, publication));
      expect(canonical(reader.state)).toBe(canonical(state));
    }
    expect(state.buckets.fine.size).toBeLessThanOrEqual(3);
    expect(state.buckets.coarse.size).toBeLessThan(60);
  });

  it('write only what changed', () => {
    const [state, writer] = [new PartitionState(LIMITS), new SnapshotWriter()];
    const source = new EventSource('/gateways/gw', 'boot');
    fold(state, recordsOf([heartbeat(source, 0, START_MS)]));
    writer.take(state, publication);
    fold(state, recordsOf([heartbeat(source, 0, START_MS)], 1n));
    expect(writer.take(state, publication).map(({ name }) => name)).toEqual(['head']);
  });

  it('are ignored and counted when a part is missing, torn, or of another version', () => {
    const [received] = interleaved(
      [{ id: 'r', model: 'm', tenant: undefined, stream: false, started: false, end: undefined, durationMs: 1, outputTokens: 1, pick: 1 }],
      gateway,
    );
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

function publish(view: FleetView, replica: string, writer: SnapshotWriter, state: PartitionState): void {
  for (const { name, value } of writer.take(state, { replica, lagMs: 0 })) view.put(rollupKey('requests', 0, replica, name), value);
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
          view.put(rollupKey('requests', 0, 'r', name), value);
          const totals = totalsBy(view.states('requests'), () => '').get('') ?? new Totals();
          expect(totals.reconciled).toBe(true);
        }
      }),
    );
  });

  it('counts keys that it does not know', () => {
    const view = new FleetView(LIMITS);
    view.put('nonsense', Buffer.from('{}'));
    expect(view.foreign).toBe(1);
    expect(view.states('requests')).toEqual([]);
  });
});
