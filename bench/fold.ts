import { decodeEvent, encodeEvent, type Decoded, type InferometerEvent } from '#libs/contracts';
import { BaseWriter } from '../apps/aggregator/core/base-writer.js';
import { DeltaFollower } from '../apps/aggregator/core/delta-follower.js';
import { Delta } from '../apps/aggregator/core/delta-reader.js';
import { DeltaWriter } from '../apps/aggregator/core/delta-writer.js';
import { FleetView } from '../apps/aggregator/core/fleet-view.js';
import { FIRST_ORIGIN, PartitionState } from '../apps/aggregator/core/partition-state.js';
import { rollupKey } from '../apps/aggregator/core/rollup-keys.js';
import { copyOf } from '../apps/aggregator/core/state-parts.js';
import { atOnce } from '../apps/aggregator/core/steps.js';
import { pack, unpack } from '../apps/aggregator/out/packing.js';
import type { BenchRow } from './bench-row.js';
import { EVENTS_PER_REQUEST, START_MS, traffic } from './traffic.js';

const REQUESTS = 50_000;
const EVENTS = REQUESTS * EVENTS_PER_REQUEST;
const PARTITIONS = 6;
/** As many records as there are between two bases, on average: half of what makes one due. */
const RECORDS_AFTER_BASE = 50_000;
const LIMITS = { models: [], maxModels: 2000, maxTenants: 200 };

/** Per second of CPU time. */
function eventsPerSecond(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (EVENTS * 1e6) / (user + system);
}

/** The best of three runs. */
function best(work: () => void): number {
  return Math.max(...[1, 2, 3].map(() => eventsPerSecond(work)));
}

/** The log's clock runs with the events', and many share a moment. */
const recordAt = (index: number) => ({ offset: BigInt(index), timestampMs: START_MS + Math.floor(index / EVENTS_PER_REQUEST) * 2 + 5 });

function fold(decodedAt: (index: number) => Decoded<InferometerEvent>): PartitionState {
  const state = new PartitionState(LIMITS);
  for (let index = 0; index < EVENTS; index += 1) state.apply(recordAt(index), decodedAt(index));
  return state;
}

/** Folds and writes deltas of a second, or of a full record. */
function published(bytes: readonly Uint8Array[]): { readonly state: PartitionState; readonly deltas: readonly Uint8Array[] } {
  const [state, deltas]: [PartitionState, Uint8Array[]] = [new PartitionState(LIMITS), []];
  let writer = new DeltaWriter(FIRST_ORIGIN, 0n);
  for (let index = 0; index < bytes.length; index += 1) {
    const [record, decoded] = [recordAt(index), decodeEvent(bytes[index]!)];
    writer.add(record, decoded);
    state.apply(record, decoded);
    if (!writer.isFull && index < bytes.length - 1) continue;
    deltas.push(pack(Buffer.from(writer.text(0))));
    writer = new DeltaWriter(FIRST_ORIGIN, state.next);
  }
  return { state, deltas };
}

function follow(deltas: readonly Uint8Array[]): void {
  const follower = new DeltaFollower(LIMITS);
  for (const delta of deltas) follower.take('bench.1', Delta.parse(unpack(delta)));
}

/** From the records of a rollup topic to states to fold on, in all partitions: ms. */
function restoreMs(state: PartitionState, deltas: readonly Uint8Array[]): { readonly ms: number; readonly bytes: number } {
  const base = [...new BaseWriter().write(state, 0)].flatMap((part) => (part?.value ? [{ name: part.name, value: pack(part.value) }] : []));
  const startMs = performance.now();
  const view = new FleetView(LIMITS);
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const key = (name: string) => rollupKey({ input: 'requests', partition, writer: 'bench.1', name });
    for (const { name, value } of base) view.put(key(name), unpack(value), START_MS);
    for (const [index, delta] of deltas.entries()) view.put(key(`delta/${index}`), unpack(delta), START_MS);
  }
  atOnce(view.restoring());
  for (const restored of view.states('requests')) copyOf(restored, LIMITS);
  return { ms: performance.now() - startMs, bytes: base.reduce((sum, { value }) => sum + value.byteLength, 0) };
}

function barred(name: string, value: number, unit: string, sign: '>=' | '<=', bar: number): BenchRow {
  return { name, value, unit, bar: `${sign} ${bar}`, met: sign === '>=' ? value >= bar : value <= bar };
}

/** The fold alone. */
function foldRows(what: string, events: readonly InferometerEvent[], bytes: readonly Uint8Array[]): readonly BenchRow[] {
  const decoded = events.map((value) => ({ ok: true, value }) as const);
  const fromDecoded = best(() => void fold((index) => decoded[index]!));
  const fromBytes = best(() => void fold((index) => decodeEvent(bytes[index]!)));
  return [
    barred(`fold, decoded, ${what}`, fromDecoded, 'events/s', '>=', 300_000),
    barred(`fold, from bytes, ${what}`, fromBytes, 'events/s', '>=', 120_000),
  ];
}

/** The fold with what it publishes, and what reading that costs. */
function rollupRows(what: string, bytes: readonly Uint8Array[], bar: number): readonly BenchRow[] {
  const rate = best(() => void published(bytes));
  const { deltas } = published(bytes);
  const [inputBytes, deltaBytes] = [sizeOf(bytes), sizeOf(deltas)];
  return [
    barred(`bytes to published deltas, ${what}`, rate, 'events/s', '>=', bar),
    { name: `input, ${what}`, value: inputBytes / EVENTS, unit: 'bytes/event' },
    { name: `deltas, ${what}`, value: deltaBytes / EVENTS, unit: 'bytes/event' },
    barred(`deltas, of the input, ${what}`, (100 * deltaBytes) / inputBytes, '%', '<=', 10),
    { name: `applying deltas, ${what}`, value: 1e6 / best(() => follow(deltas)), unit: 'µs/event' },
  ];
}

function restoreRows(what: string, bytes: readonly Uint8Array[]): readonly BenchRow[] {
  const { deltas } = published(bytes);
  const after = deltas.slice(-Math.ceil((deltas.length * RECORDS_AFTER_BASE) / EVENTS) - 1);
  const { ms, bytes: baseBytes } = restoreMs(published(bytes.slice(0, EVENTS - RECORDS_AFTER_BASE)).state, after);
  return [
    { name: `a base, ${what}`, value: baseBytes / 1e6, unit: 'MB' },
    barred(`restore of ${PARTITIONS} partitions, ${what}, ${RECORDS_AFTER_BASE} records each after the base`, ms, 'ms', '<=', 2_000),
  ];
}

function sizeOf(values: readonly Uint8Array[]): number {
  return values.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** Events per second of CPU time: folded when decoded already and from bytes, and from bytes to published deltas; and what reading those costs. */
export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const [series, bar, traced] of [
    [20, 100_000, false],
    [1_000, 100_000, false],
    [1_000, 100_000, true],
    [20_000, 60_000, false],
  ] as const) {
    const events = traffic({ requests: REQUESTS, series, partitions: 1, traced }).map(({ event }) => event);
    const bytes = events.map(encodeEvent);
    const what = `${series} series${traced ? ', every request in a trace' : ''}`;
    if (series === 1_000) rows.push(...restoreRows(what, bytes));
    if (series <= 1_000) rows.push(...foldRows(what, events, bytes));
    rows.push(...rollupRows(what, bytes, bar));
  }
  return rows;
}
