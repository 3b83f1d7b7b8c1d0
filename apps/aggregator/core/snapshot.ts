import type { DecodeReason } from '#libs/contracts';
import { Bucket, type BucketJson } from './buckets.js';
import { combine, hashOf, NO_HASH } from './hash.js';
import { PartitionState, type GpuState } from './partition-state.js';
import { Producer, type ProducerJson } from './producer.js';
import { Series, type LabelLimits, type SeriesJson } from './series.js';

/**
 * A snapshot of a partition's state is a head and the parts that the head vouches for: one part per series, one per bucket of time.
 * Only what changed is written; the head, always last, carries the input offset, and the number and checksum of all parts, so that a
 * reader takes a snapshot whole or not at all.
 */
export interface SnapshotPart {
  readonly name: string;
  /** JSON in UTF-8, or null if the part is gone. */
  readonly value: Uint8Array | null;
}

/** What the writer says about itself beside the state; no part of the fold. */
export interface Publication {
  readonly replica: string;
  /** How old the newest record was when the writer read it, in ms. */
  readonly lagMs: number;
}

export const HEAD = 'head';
const FORMAT = 1;

interface HeadJson {
  readonly format: number;
  readonly next: string;
  readonly times: readonly [logTimeMs: number, firstTimeMs: number, lastGatewayHeartbeatMs: number];
  readonly counts: readonly [duplicates: number, skewed: number, peakRunning: number, missingForgotten: number];
  readonly undecodable: readonly (readonly [DecodeReason, number])[];
  readonly producers: readonly ProducerJson[];
  readonly gpus: readonly (readonly [key: string, state: GpuState])[];
  readonly parts: readonly [count: number, checksum: string];
  readonly publication: Publication;
}

/** Turns the changes of one partition's state into parts. One writer per owner and partition. */
export class SnapshotWriter {
  private readonly hashes = new Map<string, string>();
  private checksum = NO_HASH;

  /** The parts that changed since the last call, and the head. Marks the state as written: the caller sends every part or loses it. */
  take(state: PartitionState, publication: Publication): readonly SnapshotPart[] {
    const live = new Set<string>();
    const parts: SnapshotPart[] = [];
    for (const [name, holder] of holdersOf(state)) {
      live.add(name);
      if (!holder.changed && this.hashes.has(name)) continue;
      holder.changed = false;
      parts.push(this.write(name, JSON.stringify(holder)));
    }
    for (const name of this.hashes.keys()) if (!live.has(name)) parts.push(this.remove(name));
    const head = headOf(state, [this.hashes.size, this.checksum], publication);
    return [...parts, { name: HEAD, value: Buffer.from(JSON.stringify(head)) }];
  }

  private write(name: string, text: string): SnapshotPart {
    this.exchange(name, partHash(name, text));
    return { name, value: Buffer.from(text) };
  }

  private remove(name: string): SnapshotPart {
    this.exchange(name, undefined);
    return { name, value: null };
  }

  private exchange(name: string, hash: string | undefined): void {
    this.checksum = exchange(this.hashes, this.checksum, name, hash);
  }
}

/** Follows one writer's parts and holds the newest complete state that they make. */
export class SnapshotReader {
  readonly state: PartitionState;
  publication: Publication | undefined;
  /** Heads that did not match their parts, or that another version wrote. */
  rejected = 0;
  private readonly hashes = new Map<string, string>();
  private checksum = NO_HASH;
  private readonly pending = new Map<string, string | undefined>();

  constructor(limits: LabelLimits) {
    this.state = new PartitionState(limits);
  }

  /** The offset after the last record in the state; undefined before the first complete snapshot. */
  get next(): bigint | undefined {
    return this.state.next;
  }

  /** The names of all parts that the writer has out, without the head. */
  partNames(): Iterable<string> {
    return this.hashes.keys();
  }

  /** Takes one part. True if it was a head that completed a snapshot: `state` is newer now. Never throws. */
  put({ name, value }: SnapshotPart): boolean {
    const text = value === null ? undefined : Buffer.from(value).toString('utf8');
    if (name === HEAD) return text !== undefined && this.complete(text);
    this.checksum = exchange(this.hashes, this.checksum, name, text === undefined ? undefined : partHash(name, text));
    this.pending.set(name, text);
    return false;
  }

  private complete(text: string): boolean {
    try {
      const head = JSON.parse(text) as HeadJson;
      const [count, checksum] = head.parts;
      if (head.format !== FORMAT || count !== this.hashes.size || checksum !== this.checksum) throw new Error('incomplete');
      for (const [name, part] of this.pending) setPart(this.state, name, part);
      this.pending.clear();
      setHead(this.state, head);
      this.publication = head.publication;
      return true;
    } catch {
      this.rejected += 1;
      return false;
    }
  }
}

/** A copy that shares nothing with `state`. */
export function copyOf(state: PartitionState, limits: LabelLimits): PartitionState {
  const reader = new SnapshotReader(limits);
  for (const [name, holder] of holdersOf(state)) setPart(reader.state, name, JSON.stringify(holder));
  setHead(reader.state, headOf(state, [0, NO_HASH], { replica: '', lagMs: 0 }));
  return reader.state;
}

/** The whole state as canonical text: equal states, equal text. */
export function canonical(state: PartitionState): string {
  const parts = [...holdersOf(state)].map(([name, holder]) => `${name} ${JSON.stringify(holder)}`);
  const head = JSON.stringify(headOf(state, [parts.length, NO_HASH], { replica: '', lagMs: 0 }));
  return [head, ...parts.toSorted()].join('\n');
}

function* holdersOf(state: PartitionState): Iterable<readonly [name: string, holder: Series | Bucket]> {
  for (const series of state.series.byId.values()) yield [`series/${series.id}`, series];
  for (const [start, bucket] of state.buckets.fine) yield [`fine/${start}`, bucket];
  for (const [start, bucket] of state.buckets.coarse) yield [`coarse/${start}`, bucket];
}

function headOf(state: PartitionState, parts: HeadJson['parts'], publication: Publication): HeadJson {
  const { producers } = state;
  const producersJson = [...producers.all()].map((producer) => producer.toJSON());
  return {
    format: FORMAT,
    next: String(state.next ?? 0n),
    times: [state.logTimeMs, state.firstTimeMs, state.lastGatewayHeartbeatMs],
    counts: [state.duplicates, state.skewed, state.peakRunning, producers.missingForgotten],
    undecodable: [...state.undecodable].toSorted(byFirst),
    producers: producersJson.toSorted(([aSource, aBoot], [bSource, bBoot]) => order(aSource, bSource) || order(aBoot, bBoot)),
    gpus: [...state.gpus].toSorted(byFirst),
    parts,
    publication,
  };
}

function setHead(state: PartitionState, head: HeadJson): void {
  state.next = BigInt(head.next);
  [state.logTimeMs, state.firstTimeMs, state.lastGatewayHeartbeatMs] = head.times;
  [state.duplicates, state.skewed, state.peakRunning] = head.counts;
  replace(state.undecodable, head.undecodable);
  replace(state.gpus, head.gpus);
  const producers = head.producers.map((json) => Producer.fromJSON(json, (id) => seriesById(state, id)));
  state.producers.reset(producers, head.counts[3]);
  state.buckets.advance(state.logTimeMs);
}

function seriesById(state: PartitionState, id: string): Series {
  const series = state.series.byId.get(id);
  if (!series) throw new Error('the head names a series that has no part');
  return series;
}

function setPart(state: PartitionState, name: string, text: string | undefined): void {
  const [kind, id = ''] = name.split('/');
  if (kind === 'series' && text !== undefined) state.series.insert(Series.fromJSON(JSON.parse(text) as SeriesJson));
  if (kind === 'fine') setBucket(state.buckets.fine, Number(id), text);
  if (kind === 'coarse') setBucket(state.buckets.coarse, Number(id), text);
}

function setBucket(buckets: Map<number, Bucket>, start: number, text: string | undefined): void {
  if (text === undefined) buckets.delete(start);
  else buckets.set(start, Bucket.fromJSON(JSON.parse(text) as BucketJson));
}

function partHash(name: string, text: string): string {
  return hashOf(`${name}\n${text}`);
}

/** Sets or removes one part's hash and returns the checksum of the whole set. */
function exchange(hashes: Map<string, string>, checksum: string, name: string, hash: string | undefined): string {
  const without = combine(checksum, hashes.get(name) ?? NO_HASH);
  if (hash === undefined) hashes.delete(name);
  else hashes.set(name, hash);
  return combine(without, hash ?? NO_HASH);
}

function replace<K, V>(map: Map<K, V>, entries: readonly (readonly [K, V])[]): void {
  map.clear();
  for (const [key, value] of entries) map.set(key, value);
}

function byFirst([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return order(a, b);
}

function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
