import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventSource, type InferometerEvent } from '#libs/contracts';
import { at, gateway, hardTimes } from '../../../test/support/fold.js';
import { CompactedTopic, RollupWriter } from '../../../test/support/rollups.js';
import {
  endOf,
  eventsOf,
  heartbeat,
  interleaved,
  LIMITS,
  onePlanned,
  recordsOf,
  START_MS,
  type TestRecord,
} from '../../../test/support/traffic.js';
import { Bucket } from './bucket.js';
import { PartitionState } from './partition-state.js';
import { HEAD, type RollupPart } from './rollup-keys.js';
import { canonical } from './state-parts.js';

/** A day and a bit of heartbeats, so that buckets retire and vanish, and so does the gateway that is heard of only once. */
function longRecords(): readonly TestRecord[] {
  const [brief, long] = [new EventSource('/gateways/brief', 'boot'), new EventSource('/gateways/long', 'boot')];
  return Array.from({ length: 60 }, (_unused, index) => {
    const timestampMs = START_MS + index * 1_800_000;
    return at(heartbeat(index === 0 ? brief : long, 0, timestampMs, index), index, timestampMs);
  });
}

function reading(uuid: string): InferometerEvent {
  const memory = { memory_used_bytes: 1, memory_total_bytes: 2, memory_free_bytes: 1 };
  const data = { host: 'h', uuid, index: 0, name: 'X', vendor: 'NVIDIA', ...memory, driver_version: '1', mig_parent: 'p' };
  return new EventSource(`/probes/${uuid}`, 'boot').stamp('io.inferometer.gpu.read.v1', 0, uuid, data, START_MS);
}

const shown = (topic: CompactedTopic): string => canonical(topic.read().states('requests')[0] ?? new PartitionState(LIMITS));
const names = (parts: readonly RollupPart[]): readonly string[] =>
  parts.map(({ name, value }) => `${value ? '' : '-'}${name.replace(/\/.*#/, '#')}`);

/** The pieces behind keys or names, whatever their slots. */
function piecesOf(keys: Iterable<string>): readonly string[] {
  return [...new Set([...keys].map((name) => name.replace(/@.$/, '').replace('requests-0/r.1/', '')))].toSorted();
}

describe('bases', () => {
  it('give back the state that they were written from, base after base', () => {
    fc.assert(
      fc.property(hardTimes, fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 5 }), (all, sizes) => {
        const [writer, topic, left] = [new RollupWriter(), new CompactedTopic(), [...all]];
        for (const size of [...sizes, Infinity]) {
          writer.fold(left.splice(0, size)).put(topic, writer.base());
          expect(shown(topic)).toBe(canonical(writer.state));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('follow buckets and producers as they retire and vanish, and leave no key behind', () => {
    const [writer, topic] = [new RollupWriter(), new CompactedTopic()];
    for (const record of longRecords()) writer.fold([record]).put(topic, writer.base());
    expect(shown(topic)).toBe(canonical(writer.state));
    const fresh = new RollupWriter({ state: writer.state }).base();
    expect(piecesOf(topic.records.keys())).toEqual(piecesOf(fresh.map(({ name }) => name)));
  });

  it('keep GPUs, and of their readings what is shown', () => {
    const [writer, topic] = [new RollupWriter(), new CompactedTopic()];
    writer.fold(recordsOf([reading('u'), reading('v')])).put(topic, writer.base());
    expect(shown(topic)).toBe(canonical(writer.state));
    expect([...writer.state.gpus.values()].map(({ reading: { driver_version, mig_parent } }) => [driver_version, mig_parent])).toEqual([
      ['1', undefined],
      ['1', undefined],
    ]);
  });

  it('write anew only what has changed, into the slot that the last one does not use', () => {
    const [writer, source] = [new RollupWriter(), gateway()];
    writer.fold(recordsOf([heartbeat(source, 0, START_MS)]));
    expect(names(writer.base())).toEqual(['producer#0@a', 'fine#0@a', 'manifest#0@a', 'head']);
    writer.fold(recordsOf([heartbeat(source, 0, START_MS)], 1n));
    expect(names(writer.base())).toEqual(['producer#0@b', 'manifest#0@b', 'head']);
    expect(names(writer.base())).toEqual(['head']);
  });

  it('that are never finished leave the last one whole, wherever they were cut off', () => {
    const [all, source] = [longRecords(), gateway()];
    for (let stored = 0; stored < 6; stored += 1) {
      const [writer, topic] = [new RollupWriter(), new CompactedTopic()];
      writer.fold(all.slice(0, 3)).fold(recordsOf(interleaved([onePlanned()], source), 3n));
      writer.put(topic, writer.base());
      const before = canonical(writer.state);
      writer.fold(recordsOf(interleaved([onePlanned({ id: 'r', end: 'failed' })], source), 9n));
      writer.put(topic, writer.base(true).slice(0, stored));
      expect(shown(topic)).toBe(before);
      writer.put(topic, writer.base());
      expect(shown(topic)).toBe(canonical(writer.state));
    }
  });

  it('with parts that are too large for a record are cut in pieces, and put together as they grow and shrink', () => {
    const [source, topic] = [gateway(), new CompactedTopic()];
    const many = Array.from({ length: 12_000 }, (_unused, index) => onePlanned({ id: `${'🦉'.repeat(20)}-${index}` }));
    const records = recordsOf(many.flatMap((request) => eventsOf(request, source, 0, START_MS)));
    const writer = new RollupWriter().fold(records);
    const parts = writer.base();
    writer.put(topic, parts);
    expect(parts.filter(({ name }) => name.startsWith('producer/')).length).toBeGreaterThan(1);
    expect(Math.max(...parts.map(({ value }) => value?.byteLength ?? 0))).toBeLessThan(1_000_000);
    expect(shown(topic)).toBe(canonical(writer.state));
    const ends = many.map(({ id }) => endOf(id, source));
    writer.fold(recordsOf(ends, BigInt(records.length))).put(topic, writer.base());
    expect(shown(topic)).toBe(canonical(writer.state));
    expect([...writer.state.producers.all()][0]!.open.size).toBe(0);
  });
});

describe('a base that is', () => {
  const writer = new RollupWriter().fold(recordsOf(interleaved([onePlanned()], gateway())));
  const parts = writer.base();
  const changed = (change: (part: RollupPart) => RollupPart): readonly RollupPart[] => parts.map(change);
  const head = JSON.parse(String(parts.find(({ name }) => name === HEAD)!.value)) as Record<string, unknown>;

  it.each([
    ['without a part', parts.slice(1)],
    ['torn', changed((part) => (part.name.startsWith('series/') ? { ...part, value: part.value!.subarray(1) } : part))],
    ['mixed with a part of another', changed((part) => (part.name.startsWith('fine/') ? { ...part, value: Buffer.from('7') } : part))],
    ['without its manifest', parts.filter(({ name }) => !name.startsWith('manifest'))],
    [
      'of an older format',
      changed((part) => (part.name === HEAD ? { ...part, value: Buffer.from(JSON.stringify({ ...head, format: 2 })) } : part)),
    ],
    ['no JSON', changed((part) => (part.name === HEAD ? { ...part, value: Buffer.from('{"format":') } : part))],
  ])('%s is ignored and counted', (_what, bad) => {
    const topic = new CompactedTopic();
    writer.put(topic, bad);
    const view = topic.read();
    expect(view.states('requests')).toEqual([]);
    expect(view.rejected).toBe(1);
  });

  it('older is taken where the newest cannot be read', () => {
    const topic = new CompactedTopic();
    const old = new RollupWriter({ writer: 'old.1' }).fold(recordsOf(interleaved([onePlanned()], gateway())).slice(0, 1));
    old.put(topic, old.base());
    writer.put(topic, parts.slice(1));
    const view = topic.read();
    expect(view.states('requests').map(({ next }) => next)).toEqual([1n]);
    expect(view.rejected).toBe(1);
  });
});

describe('a bucket', () => {
  it('whose text nobody wrote gives nothing', () => {
    const bucket = Bucket.atRest('no text of ours');
    expect([bucket.peakRunning, [...bucket.figures]]).toEqual([0, []]);
  });
});
