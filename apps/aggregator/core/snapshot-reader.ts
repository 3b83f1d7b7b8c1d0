import { Bucket } from './bucket.js';
import { isRecent } from './buckets.js';
import { combine } from './hash.js';
import { PartitionState } from './partition-state.js';
import { Producer } from './producer.js';
import { Series, type LabelLimits } from './series.js';
import {
  FORMAT,
  HEAD,
  headOf,
  holdersOf,
  isInHead,
  partOf,
  pieceName,
  PieceSet,
  splitName,
  type HeadJson,
  type Publication,
  type SnapshotPart,
} from './snapshot-parts.js';

/** A part as it arrived; without a text it is gone. */
interface Arrived {
  readonly kind: string;
  readonly id: string;
  readonly text: string | undefined;
  readonly hash: string;
}

/** Parts that have been understood, and wait to be put into the state all together. */
interface Staged {
  readonly series: ReadonlyMap<string, Series>;
  readonly producers: ReadonlyMap<string, Producer | undefined>;
  readonly buckets: readonly Arrived[];
}

/** Follows one writer's parts and holds the newest complete state that they make. */
export class SnapshotReader {
  readonly state: PartitionState;
  publication: Publication | undefined;
  /** Heads that did not match their parts, or that another version wrote. */
  rejected = 0;
  /** When the writer's last record was stored, by the log's clock, in Unix ms. */
  lastRecordMs = 0;
  private readonly pieces = new PieceSet();
  /** What arrived since the last complete snapshot. */
  private readonly pending = new Map<string, string | undefined>();

  constructor(limits: LabelLimits) {
    this.state = new PartitionState(limits);
  }

  /** The offset after the last record in the state; undefined before the first complete snapshot. */
  get next(): bigint | undefined {
    return this.state.next;
  }

  /** The names of all parts that the writer has out, piece by piece, without the head. */
  names(): Iterable<string> {
    return this.pieces.names();
  }

  /** Takes one part. True if it was a head that completed a snapshot: `state` is newer now. Never throws. */
  put({ name, value }: SnapshotPart): boolean {
    const text = value === null ? undefined : Buffer.from(value).toString('utf8');
    if (name === HEAD) return text !== undefined && this.complete(text);
    if (text === undefined) this.remove(name);
    else this.pieces.set(name, text);
    this.pending.set(name, text);
    return false;
  }

  private complete(text: string): boolean {
    try {
      const head = JSON.parse(text) as HeadJson;
      if (head.format !== FORMAT || !this.isWhole(head)) throw new Error('incomplete');
      const staged = stage(this.arrived(), this.state);
      this.pending.clear();
      apply(this.state, head, staged);
      this.publication = head.publication;
      return true;
    } catch {
      this.rejected += 1;
      return false;
    }
  }

  /** A deletion may have been missed: the log forgets it after a while. */
  private isWhole(head: HeadJson): boolean {
    if (this.matches(head)) return true;
    for (const name of this.pieces.names()) if (!isInHead(partOf(name), head)) this.remove(name);
    return this.matches(head);
  }

  private matches({ parts: [count, checksum] }: HeadJson): boolean {
    const [ownCount, ownChecksum] = this.pieces.fingerprint;
    return count === ownCount && checksum === ownChecksum;
  }

  private remove(name: string): void {
    this.pieces.remove(name);
    this.pending.set(name, undefined);
  }

  /** The parts whose pieces arrived, put together again. A part's pieces are written all at once, or deleted all at once. */
  private arrived(): readonly Arrived[] {
    const names = new Set([...this.pending.keys()].map(partOf));
    return [...names].map((name) => {
      const [kind, id] = splitName(name);
      let text = this.pending.get(name);
      let hash = this.pieces.hash(name);
      for (let index = 1; text !== undefined && this.pieces.has(pieceName(name, index)); index += 1) {
        text += this.pending.get(pieceName(name, index)) ?? '';
        hash = combine(hash, this.pieces.hash(pieceName(name, index)));
      }
      return { kind, id, text, hash };
    });
  }
}

/** A copy that shares nothing with `state` but what cannot change. */
export function copyOf(state: PartitionState, limits: LabelLimits): PartitionState {
  const parts = [...holdersOf(state)].map(([name, holder]): Arrived => {
    const [kind, id] = splitName(name);
    return { kind, id, text: holder.text(), hash: '' };
  });
  const copy = new PartitionState(limits);
  apply(copy, headOf(state, [0, ''], { replica: '', lagMs: 0 }), stage(parts, copy));
  return copy;
}

/** Reads everything before anything is changed. Throws if a part is not what a writer writes, or names a series that is not there. */
function stage(parts: readonly Arrived[], state: PartitionState): Staged {
  const of = (kind: string): readonly Arrived[] => parts.filter((part) => part.kind === kind);
  const series = new Map(of('series').flatMap(({ id, text }) => (text === undefined ? [] : [[id, Series.fromText(text)]])));
  const seriesOf = (id: string): Series => {
    const found = state.series.byId.get(id) ?? series.get(id);
    if (!found) throw new Error('a producer names a series that has no part');
    return found;
  };
  const producers = new Map(of('producer').map(({ id, text }) => [id, text === undefined ? undefined : Producer.fromText(text, seriesOf)]));
  return { series, producers, buckets: [...of('fine'), ...of('coarse')] };
}

function apply(state: PartitionState, head: HeadJson, { series, producers, buckets }: Staged): void {
  for (const [id, one] of series) {
    const known = state.series.byId.get(id);
    if (known) known.become(one);
    else state.series.insert(one);
  }
  for (const [id, producer] of producers) {
    if (producer) state.producers.insert(producer);
    else state.producers.remove(id);
  }
  for (const bucket of buckets) applyBucket(state, bucket, head.times[0]);
  applyHead(state, head);
}

function applyBucket({ buckets }: PartitionState, { kind, id, text, hash }: Arrived, logTimeMs: number): void {
  const [kept, start] = [kind === 'fine' ? buckets.fine : buckets.coarse, Number(id)];
  if (text === undefined) {
    kept.delete(start);
    return;
  }
  const bucket = Bucket.atRest(text, hash);
  kept.set(start, bucket);
  if (kind === 'fine' && isRecent(start, logTimeMs)) bucket.wake();
}

function applyHead(state: PartitionState, head: HeadJson): void {
  state.next = BigInt(head.next);
  [state.logTimeMs, state.firstTimeMs, state.lastGatewayHeartbeatMs] = head.times;
  [state.duplicates, state.skewed, state.peakRunning, state.producers.missingForgotten] = head.counts;
  replace(state.undecodable, head.undecodable);
  replace(state.gpus, head.gpus);
  state.buckets.advance(state.logTimeMs);
}

function replace<K, V>(map: Map<K, V>, entries: readonly (readonly [K, V])[]): void {
  map.clear();
  for (const [key, value] of entries) map.set(key, value);
}
