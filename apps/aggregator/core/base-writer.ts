import { inSlot, MANIFEST, pieceName, textsOf, type BaseHead, type Slot } from './base-format.js';
import { hashOf } from './hash.js';
import type { PartitionState } from './partition-state.js';
import { FORMAT, HEAD, type RollupPart } from './rollup-keys.js';
import { headOf, holdersOf, type Holder } from './state-parts.js';

interface Piece {
  readonly slot: Slot;
  readonly hash: string;
  readonly bytes: number;
}

interface Written {
  readonly pieces: Map<string, Piece>;
  /** The stamps of the parts, and how many pieces each has. */
  readonly stamps: Map<string, readonly [stamp: object, pieces: number]>;
}

const NOTHING: Written = { pieces: new Map(), stamps: new Map() };

/** Writes one partition's state down, and when it is asked again, only what is new in it. One for each writer's name. */
export class BaseWriter {
  private complete = NOTHING;
  private latest = NOTHING;
  /** Every piece ever written that was not taken back. */
  private readonly out = new Set<string>();

  /** What all pieces of the last base that was stored take. */
  get bytes(): number {
    return bytesOf(this.complete);
  }

  /**
   * The records of a base, the head last; what is undefined is only a place to pause at. The state must not change until the end. Then,
   * once everything is stored, follows `settle`; else nothing has happened.
   */
  *write(state: PartitionState, lagMs: number): Generator<RollupPart | undefined> {
    const made: Written = { pieces: new Map(), stamps: new Map() };
    for (const [name, holder] of holdersOf(state)) {
      if (!this.keep(name, holder, made)) yield* this.part(name, holder, made);
      yield undefined;
    }
    const manifest: Written = { pieces: new Map(), stamps: new Map() };
    yield* this.part(MANIFEST, { lines: () => manifestOf(made.pieces) }, manifest);
    const named = [...manifest.pieces.values()].map(({ slot, hash }) => [slot, hash] as const);
    for (const [name, piece] of manifest.pieces) made.pieces.set(name, piece);
    const head: BaseHead = { format: FORMAT, state: headOf(state), lag: Math.round(lagMs), bytes: bytesOf(made), manifest: named };
    yield { name: HEAD, value: Buffer.from(JSON.stringify(head)) };
    this.latest = made;
  }

  /** The base of the last `write` is stored. Returns the deletions of what is not in it any more: to be stored some time. */
  settle(): readonly RollupPart[] {
    this.complete = this.latest;
    const gone = [...this.out].filter((name) => !this.complete.pieces.has(name));
    for (const name of gone) this.out.delete(name);
    return gone.flatMap((name) => (['a', 'b'] as const).map((slot) => ({ name: inSlot(name, slot), value: null })));
  }

  /** True if the part is the same as in the last base by its stamp alone. */
  private keep(name: string, { stamp }: Holder, made: Written): boolean {
    const known = this.complete.stamps.get(name);
    if (!stamp || known?.[0] !== stamp) return false;
    made.stamps.set(name, known);
    for (let index = 0; index < known[1]; index += 1) {
      const piece = pieceName(name, index);
      made.pieces.set(piece, this.complete.pieces.get(piece)!);
    }
    return true;
  }

  private *part(name: string, holder: Holder, made: Written): Generator<RollupPart | undefined> {
    let pieces = 0;
    for (const text of textsOf(holder.lines())) {
      const piece = pieceName(name, pieces);
      pieces += 1;
      const hash = hashOf(text);
      const old = this.complete.pieces.get(piece);
      if (old?.hash === hash) {
        made.pieces.set(piece, old);
        yield undefined;
        continue;
      }
      const value = Buffer.from(text);
      const slot = old?.slot === 'a' ? 'b' : 'a';
      made.pieces.set(piece, { slot, hash, bytes: value.byteLength });
      this.out.add(piece);
      yield { name: inSlot(piece, slot), value };
    }
    if (holder.stamp) made.stamps.set(name, [holder.stamp, pieces]);
  }
}

function* manifestOf(pieces: ReadonlyMap<string, Piece>): Generator<string> {
  for (const [name, { slot, hash }] of pieces) yield `${inSlot(name, slot)} ${hash}`;
}

function bytesOf({ pieces }: Written): number {
  let sum = 0;
  for (const { bytes } of pieces.values()) sum += bytes;
  return sum;
}
