import type { PartitionState } from './partition-state.js';
import { HEAD, headOf, holdersOf, partOf, pieceName, piecesOf, PieceSet, type Publication, type SnapshotPart } from './snapshot-parts.js';

/** Turns the changes of one partition's state into parts. One writer per replica and partition, for as long as the replica lives. */
export class SnapshotWriter {
  private readonly out = new PieceSet();
  /** The parts written since `startOver`. */
  private readonly current = new Set<string>();

  /**
   * The next call of `take` writes every part: it is about another state than the last. What is out is remembered, and taken back if
   * the other state does not have it.
   */
  startOver(): void {
    this.current.clear();
  }

  /** The parts that changed since the last call, and the head. Marks the state as written: the caller sends every part or loses it. */
  take(state: PartitionState, publication: Publication): readonly SnapshotPart[] {
    const live = new Set<string>();
    const parts: SnapshotPart[] = [];
    for (const [name, holder] of holdersOf(state)) {
      live.add(name);
      if (!holder.changed && this.current.has(name)) continue;
      holder.changed = false;
      parts.push(...this.write(name, holder.text()));
    }
    for (const name of this.out.names()) if (!live.has(partOf(name))) parts.push(this.remove(name));
    const head = headOf(state, this.out.fingerprint, publication);
    return [...parts, { name: HEAD, value: Buffer.from(JSON.stringify(head)) }];
  }

  /** A part that has shrunk keeps its number of pieces: so a reader that missed a deletion knows by a part's name alone what is gone. */
  private write(name: string, text: string): readonly SnapshotPart[] {
    this.current.add(name);
    const pieces = [...piecesOf(name, text)];
    while (this.out.has(pieceName(name, pieces.length))) pieces.push([pieceName(name, pieces.length), '']);
    for (const piece of pieces) this.out.set(...piece);
    return pieces.map(([piece, itsText]) => ({ name: piece, value: Buffer.from(itsText) }));
  }

  private remove(name: string): SnapshotPart {
    this.out.remove(name);
    this.current.delete(name);
    return { name, value: null };
  }
}
