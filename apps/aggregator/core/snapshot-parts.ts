import type { DecodeReason } from '#libs/contracts';
import { isKept, type BucketKind } from './buckets.js';
import { combine, hashOf, NO_HASH } from './hash.js';
import type { GpuState, PartitionState } from './partition-state.js';

/**
 * A snapshot of a partition's state is a head and the parts that the head vouches for: one part per series, per bucket of time and per
 * producer. Only what changed is written; the head, always last, carries the input offset, and the number and checksum of all parts,
 * so that a reader takes a snapshot whole or not at all.
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
export const FORMAT = 2;

export type Fingerprint = readonly [count: number, checksum: string];

export interface HeadJson {
  readonly format: number;
  readonly next: string;
  readonly times: readonly [logTimeMs: number, firstTimeMs: number, lastGatewayHeartbeatMs: number];
  readonly counts: readonly [duplicates: number, skewed: number, peakRunning: number, missingForgotten: number];
  readonly undecodable: readonly (readonly [DecodeReason, number])[];
  /** The ids of all producers. */
  readonly producers: readonly string[];
  readonly gpus: readonly (readonly [key: string, state: GpuState])[];
  readonly parts: Fingerprint;
  readonly publication: Publication;
}

/** What a part is written from. */
export interface Holder {
  /** True if the part must be written anew. */
  changed: boolean;
  text(): string;
}

/** A record takes no more than a million bytes, and a character no more than three. */
const MAX_CHARACTERS = 300_000;

/** Everything in a state that is a part of its own, by the part's name. */
export function* holdersOf(state: PartitionState): Iterable<readonly [name: string, holder: Holder]> {
  for (const series of state.series.byId.values()) yield [`series/${series.id}`, series];
  for (const producer of state.producers.all()) yield [`producer/${producer.id}`, producer];
  for (const [start, bucket] of state.buckets.fine) yield [`fine/${start}`, bucket];
  for (const [start, bucket] of state.buckets.coarse) yield [`coarse/${start}`, bucket];
}

export function headOf(state: PartitionState, parts: Fingerprint, publication: Publication): HeadJson {
  const { producers } = state;
  return {
    format: FORMAT,
    next: String(state.next ?? 0n),
    times: [state.logTimeMs, state.firstTimeMs, state.lastGatewayHeartbeatMs],
    counts: [state.duplicates, state.skewed, state.peakRunning, producers.missingForgotten],
    undecodable: [...state.undecodable].toSorted(byFirst),
    producers: [...producers.all()].map(({ id }) => id).toSorted(),
    gpus: [...state.gpus].toSorted(byFirst),
    parts,
    publication,
  };
}

/** False for a part that the state behind `head` cannot have any more, whether or not its deletion was heard of. */
export function isInHead(name: string, head: HeadJson): boolean {
  const [kind, id] = splitName(name);
  if (kind === 'producer') return head.producers.includes(id);
  return kind === 'series' || isKept(kind as BucketKind, Number(id), head.times[0]);
}

/** The whole state as canonical text: equal states, equal text. */
export function canonical(state: PartitionState): string {
  const parts = [...holdersOf(state)].map(([name, holder]) => `${name} ${holder.text()}`);
  const head = JSON.stringify(headOf(state, [parts.length, NO_HASH], { replica: '', lagMs: 0 }));
  return [head, ...parts.toSorted()].join('\n');
}

/** Cuts a part's text into pieces that each fit into a record. The first has the name of the part, the others a number behind it. */
export function piecesOf(name: string, text: string): readonly (readonly [name: string, text: string])[] {
  const pieces: [string, string][] = [];
  for (let from = 0; from < text.length || pieces.length === 0;) {
    const to = from + MAX_CHARACTERS;
    const end = isLowSurrogate(text.charCodeAt(to)) ? to - 1 : to;
    pieces.push([pieceName(name, pieces.length), text.slice(from, end)]);
    from = end;
  }
  return pieces;
}

export function pieceName(part: string, index: number): string {
  return index === 0 ? part : `${part}#${index}`;
}

/** The name of the part that a piece belongs to. */
export function partOf(pieceOrPart: string): string {
  const at = pieceOrPart.indexOf('#');
  return at < 0 ? pieceOrPart : pieceOrPart.slice(0, at);
}

export function splitName(part: string): readonly [kind: string, id: string] {
  const [kind = '', id = ''] = part.split('/');
  return [kind, id];
}

/** The pieces that a writer has out, and one checksum over them all, in any order. */
export class PieceSet {
  private readonly hashes = new Map<string, string>();
  private checksum = NO_HASH;

  get fingerprint(): Fingerprint {
    return [this.hashes.size, this.checksum];
  }

  names(): Iterable<string> {
    return this.hashes.keys();
  }

  has(name: string): boolean {
    return this.hashes.has(name);
  }

  hash(name: string): string {
    return this.hashes.get(name) ?? NO_HASH;
  }

  set(name: string, text: string): void {
    this.remove(name);
    const hash = hashOf(`${name}\n${text}`);
    this.hashes.set(name, hash);
    this.checksum = combine(this.checksum, hash);
  }

  remove(name: string): void {
    this.checksum = combine(this.checksum, this.hash(name));
    this.hashes.delete(name);
  }
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}

function byFirst([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
