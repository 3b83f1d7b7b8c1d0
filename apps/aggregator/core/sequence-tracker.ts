/** A run of sequence numbers not seen yet, both ends included, and when it was found, in log time. */
export type Gap = readonly [from: number, to: number, foundMs: number];

/** What a tracker holds. */
export interface Seen {
  readonly highest: number;
  readonly abandoned: number;
  readonly gaps: readonly Gap[];
}

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
  /** In ascending order. */
  readonly gaps: Gap[] = [];

  /** True if `sequence` was not seen before; it is now. */
  accept(sequence: number, nowMs: number): boolean {
    if (sequence > this.highest) {
      if (sequence > this.highest + 1) this.open([this.highest + 1, sequence - 1, nowMs]);
      this.highest = sequence;
      return true;
    }
    return this.gaps.length > 0 && this.fill(sequence);
  }

  /** Of a new tracker: one that has seen what the other has. */
  become({ highest, abandoned, gaps }: Seen): void {
    [this.highest, this.abandoned] = [highest, abandoned];
    this.gaps.push(...gaps);
  }

  /** Numbers below `highest` that have not come. */
  get missing(): number {
    return this.gaps.reduce((sum, gap) => sum + lengthOf(gap), this.abandoned);
  }

  /** The highest number that may still come although a higher one has; 0 if there is none. */
  get lastMissing(): number {
    return this.gaps.at(-1)?.[1] ?? 0;
  }

  /** Gives up the gaps that were found before `timeMs`. True if there were any. */
  abandon(timeMs: number): boolean {
    const old = this.gaps.filter(([, , foundMs]) => foundMs < timeMs);
    if (old.length === 0) return false;
    this.abandoned += old.reduce((sum, gap) => sum + lengthOf(gap), 0);
    const kept = this.gaps.filter(([, , foundMs]) => foundMs >= timeMs);
    this.gaps.splice(0, Infinity, ...kept);
    return true;
  }

  private open(gap: Gap): void {
    this.gaps.push(gap);
    if (this.gaps.length > MAX_GAPS) this.abandoned += lengthOf(this.gaps.shift()!);
  }

  private fill(sequence: number): boolean {
    const index = this.gaps.findIndex(([from, to]) => sequence >= from && sequence <= to);
    if (index < 0) return false;
    const [from, to, foundMs] = this.gaps[index]!;
    const rest: Gap[] = [];
    if (from < sequence) rest.push([from, sequence - 1, foundMs]);
    if (sequence < to) rest.push([sequence + 1, to, foundMs]);
    this.gaps.splice(index, 1, ...rest);
    return true;
  }
}

function lengthOf([from, to]: Gap): number {
  return to - from + 1;
}
