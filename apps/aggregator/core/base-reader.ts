import { inSlot, MANIFEST, partOf, pieceName, type BaseHead } from './base-format.js';
import { hashOf } from './hash.js';
import type { PartitionState } from './partition-state.js';
import { FORMAT } from './rollup-keys.js';
import type { LabelLimits } from './series.js';
import { assembling, originOf } from './state-parts.js';

/** The newest record of a writer by its name, or undefined if there is none. */
export type ReadPart = (name: string) => Uint8Array | undefined;

/** Where a base stands: bases and states are ordered by epoch, then by offset. */
export interface Mark {
  readonly epoch: number;
  readonly next: bigint;
}

export interface BaseInfo extends Mark {
  readonly bytes: number;
  readonly lagMs: number;
}

/** Negative if `a` is before `b`. */
export function compareMarks(a: Mark, b: Mark): number {
  if (a.epoch !== b.epoch) return a.epoch - b.epoch;
  if (a.next === b.next) return 0;
  return a.next < b.next ? -1 : 1;
}

export function markOf({ origin, next }: PartitionState): Mark {
  return { epoch: origin.epoch, next };
}

/** What the head of a base says. Throws if it is none of this format. */
export function readBaseInfo(value: Uint8Array): BaseInfo {
  const { state, bytes, lag } = headOf(value);
  return { epoch: originOf(state.origin).epoch, next: BigInt(state.next), bytes, lagMs: lag };
}

/** Makes the state of a base, some milliseconds of work for each step. Throws if a piece is missing or is not the one that the head means. */
export function* readingBase(head: Uint8Array, read: ReadPart, limits: LabelLimits): Generator<void, PartitionState> {
  const { state, manifest } = headOf(head);
  const lines = manifest.flatMap(([slot, hash], index) => textOf(read, inSlot(pieceName(MANIFEST, index), slot), hash).split('\n'));
  return yield* assembling(state, partsOf(lines, read), limits);
}

function headOf(value: Uint8Array): BaseHead {
  const head = JSON.parse(utf8(value)) as BaseHead;
  if (head.format !== FORMAT) throw new Error('a base of another format');
  return head;
}

/** Puts the pieces of each part together: they stand one after another. */
function* partsOf(lines: readonly string[], read: ReadPart): Generator<readonly [name: string, text: string]> {
  let [part, text]: [string, string | undefined] = ['', undefined];
  for (const line of lines) {
    if (line === '') continue; // The manifest of a state without parts.
    const space = line.lastIndexOf(' ');
    const [name, hash] = [line.slice(0, space), line.slice(space + 1)];
    const piece = textOf(read, name, hash);
    if (text !== undefined && partOf(name) !== part) yield [part, text];
    text = text !== undefined && partOf(name) === part ? `${text}\n${piece}` : piece;
    part = partOf(name);
  }
  if (text !== undefined) yield [part, text];
}

function textOf(read: ReadPart, name: string, hash: string): string {
  const value = read(name);
  const text = value && utf8(value);
  if (text === undefined || hashOf(text) !== hash) throw new Error('a base with a piece missing');
  return text;
}

function utf8(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
}
