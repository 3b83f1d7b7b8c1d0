/** A run of sequence numbers not seen yet, both ends included. */
export type Gap = [from: number, to: number];

/** Beyond this many runs the oldest is given up: its numbers stay missing, and if one comes after all it counts as a repeat. */
const MAX_GAPS = 256;

/**
 * Tells new events of one producer and partition from repeats, in any order of arrival.
 * Always: applied + missing = highest.
 */
export class SequenceTracker {
  highest = 0;
  /** Numbers given up for good. */
  abandoned = 0;
  readonly gaps: Gap[] = [];

  /** True if `sequence` was not seen before; it is now. */
  accept(sequence: number): boolean {
    if (sequence > this.highest) {
      if (sequence > this.highest + 1) this.open([this.highest + 1, sequence - 1]);
      this.highest = sequence;
      return true;
    }
    return this.gaps.length > 0 && this.fill(sequence);
  }

  /** Numbers below `highest` that have not come. */
  get missing(): number {
    return this.gaps.reduce((sum, [from, to]) => sum + to - from + 1, this.abandoned);
  }

  /** Gives up every open gap. */
  abandon(): void {
    this.abandoned = this.missing;
    this.gaps.length = 0;
  }

  private open(gap: Gap): void {
    this.gaps.push(gap);
    if (this.gaps.length <= MAX_GAPS) return;
    const [from, to] = this.gaps.shift()!;
    this.abandoned += to - from + 1;
  }

  private fill(sequence: number): boolean {
    const index = this.gaps.findIndex(([from, to]) => sequence >= from && sequence <= to);
    if (index < 0) return false;
    const [from, to] = this.gaps[index]!;
    const rest: Gap[] = [];
    if (from < sequence) rest.push([from, sequence - 1]);
    if (sequence < to) rest.push([sequence + 1, to]);
    this.gaps.splice(index, 1, ...rest);
    return true;
  }
}
