import type { StateHead } from './state-parts.js';

/**
 * A base is a whole state in pieces that each fit into a record, and a head, always stored last, that vouches for them. A piece that
 * changed since the last base goes to the one of two slots that the last head does not name, so a base that is never finished spoils none.
 */
export type Slot = 'a' | 'b';

export interface BaseHead {
  readonly format: number;
  readonly state: StateHead;
  /** How old the newest record was when the writer read it, in ms. */
  readonly lag: number;
  /** What all pieces take together. */
  readonly bytes: number;
  /** The pieces of the manifest: its lines name every piece of the state, with slot and hash, in the order of the parts. */
  readonly manifest: readonly (readonly [slot: Slot, hash: string])[];
}

/** Far less than a record takes: a piece is also what is written down at a time, in about a millisecond. */
const MAX_CHARACTERS = 50_000;
export const MANIFEST = 'manifest';

/** Cuts lines into texts that each fit into a record; at least one. */
export function* textsOf(lines: Iterable<string>): Generator<string> {
  let [gathered, characters]: [string[], number] = [[], 0];
  for (const line of lines) {
    if (characters > 0 && characters + line.length > MAX_CHARACTERS) {
      yield gathered.join('\n');
      [gathered, characters] = [[], 0];
    }
    gathered.push(line);
    characters += line.length + 1;
  }
  yield gathered.join('\n');
}

/** The name of the `index`th piece of a part. */
export function pieceName(part: string, index: number): string {
  return `${part}#${index}`;
}

export function partOf(piece: string): string {
  return piece.slice(0, piece.indexOf('#'));
}

export function inSlot(piece: string, slot: Slot): string {
  return `${piece}@${slot}`;
}
