import type { DecodeReason } from '#libs/contracts';
import { Bucket } from './bucket.js';
import { PartitionState, type GpuState, type Origin } from './partition-state.js';
import { Producer } from './producer.js';
import { Series, type LabelLimits } from './series.js';
import { atOnce } from './steps.js';

/** A part of a state: one series, one producer, one bucket of time, or all GPUs. */
export interface Holder {
  /** One object for as long as the lines are the same; undefined where that is not known. */
  readonly stamp?: object;
  /** None holds a line break. */
  lines(): Iterable<string>;
}

/** What a state is beside its parts. */
export interface StateHead {
  readonly origin: readonly [epoch: number, replaced: number, start: string];
  readonly next: string;
  readonly times: readonly [lastTimestampMs: number, logTimeMs: number, firstTimeMs: number, lastGatewayHeartbeatMs: number];
  readonly counts: readonly [gapEvents: number, duplicates: number, skewed: number, peakRunning: number, missingForgotten: number];
  readonly undecodable: readonly (readonly [DecodeReason, number])[];
}

/** The text of each part, which is its lines, by its name, in the order of `holdersOf`. */
export type StateParts = Iterable<readonly [name: string, text: string]>;

type GpuLine = readonly [key: string, state: GpuState];

/** Everything in a state that is a part of its own, by the part's name. Series come before the producers that name them. */
export function* holdersOf(state: PartitionState): Generator<readonly [name: string, holder: Holder]> {
  for (const series of state.series.byId.values()) yield [`series/${series.id}`, series];
  for (const producer of state.producers.all()) yield [`producer/${producer.id}`, producer];
  for (const [start, bucket] of state.buckets.fine) yield [`fine/${start}`, bucket];
  for (const [start, bucket] of state.buckets.coarse) yield [`coarse/${start}`, bucket];
  const gpus = [...state.gpus].map((gpu: GpuLine) => JSON.stringify(gpu));
  if (gpus.length > 0) yield ['gpus/all', { lines: () => gpus }];
}

export function headOf(state: PartitionState): StateHead {
  const { epoch, replaced, start } = state.origin;
  return {
    origin: [epoch, replaced, String(start)],
    next: String(state.next),
    times: [state.lastTimestampMs, state.logTimeMs, state.firstTimeMs, state.lastGatewayHeartbeatMs],
    counts: [state.gapEvents, state.duplicates, state.skewed, state.peakRunning, state.producers.missingForgotten],
    undecodable: [...state.undecodable].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  };
}

export function originOf([epoch, replaced, start]: StateHead['origin']): Origin {
  return { epoch, replaced, start: BigInt(start) };
}

/** A state's parts as text that does not depend on the order in which they came to be. */
export function* canonicalParts(state: PartitionState): Generator<readonly [name: string, lines: readonly string[]]> {
  yield ['head', [JSON.stringify(headOf(state))]];
  for (const [name, holder] of [...holdersOf(state)].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const [first = '', ...rest] = holder.lines();
    yield [name, name.startsWith('gpus/') ? [first, ...rest].toSorted() : [first, ...rest.toSorted()]];
  }
}

/** The whole state as text: equal states, equal text. */
export function canonical(state: PartitionState): string {
  return [...canonicalParts(state)].map(([name, lines]) => `${name} ${lines.join('\n')}`).join('\n');
}

/** Makes a state of its head and parts, some milliseconds of work for each step. Throws if they are not what a state gives. */
export function* assembling(head: StateHead, parts: StateParts, limits: LabelLimits): Generator<void, PartitionState> {
  const state = started(head, limits);
  for (const [name, text] of parts) {
    insert(state, name, text);
    yield;
  }
  state.buckets.advance(state.logTimeMs);
  return state;
}

/** A copy that shares nothing with `state` but what cannot change. Throws if the state was changed between two steps and does not fit together. */
export function* copying(state: PartitionState, limits: LabelLimits): Generator<void, PartitionState> {
  const copy = started(headOf(state), limits);
  for (const series of state.series.byId.values()) {
    copy.series.insert(series.clone());
    yield;
  }
  for (const producer of state.producers.all()) {
    copy.producers.insert(producer.clone((id) => seriesOf(copy, id)));
    yield;
  }
  for (const kind of ['fine', 'coarse'] as const) {
    for (const [start, bucket] of state.buckets[kind]) {
      copy.buckets[kind].set(start, bucket.clone());
      yield;
    }
  }
  for (const [key, gpu] of state.gpus) copy.gpus.set(key, gpu);
  copy.buckets.advance(copy.logTimeMs);
  return copy;
}

/** The same, all at once. */
export function copyOf(state: PartitionState, limits: LabelLimits): PartitionState {
  return atOnce(copying(state, limits));
}

/** A state that is what the head says, without its parts. */
function started(head: StateHead, limits: LabelLimits): PartitionState {
  const state = new PartitionState(limits, originOf(head.origin));
  state.next = BigInt(head.next);
  [state.lastTimestampMs, state.logTimeMs, state.firstTimeMs, state.lastGatewayHeartbeatMs] = head.times;
  [state.gapEvents, state.duplicates, state.skewed, state.peakRunning, state.producers.missingForgotten] = head.counts;
  for (const [reason, count] of head.undecodable) state.undecodable.set(reason, count);
  return state;
}

/** Buckets stay at rest until they are asked for. */
function insert(state: PartitionState, name: string, text: string): void {
  const at = name.indexOf('/');
  const [kind, id] = [name.slice(0, at), name.slice(at + 1)];
  if (kind === 'series') state.series.insert(Series.fromLine(text));
  else if (kind === 'producer') state.producers.insert(Producer.fromLines(text.split('\n'), (seriesId) => seriesOf(state, seriesId)));
  else if (kind === 'fine' || kind === 'coarse') state.buckets[kind].set(Number(id), Bucket.atRest(text));
  else if (kind === 'gpus') for (const line of text.split('\n')) state.gpus.set(...(JSON.parse(line) as GpuLine));
  else throw new Error('a part of an unknown kind');
}

function seriesOf({ series }: PartitionState, id: string): Series {
  const found = series.byId.get(id);
  if (!found) throw new Error('a producer names a series that has no part');
  return found;
}
