/** Beyond this many distinct buckets the dense array is the smaller and the faster one. */
const SPARSE_LIMIT = 32;
/** The dense array starts and ends at multiples of this, so that a widening range is copied seldom. */
const CHUNK = 64;

/**
 * Whole counts by bucket index (≥ 0). Few distinct buckets are kept as sorted pairs, many as one dense array over the range in use:
 * which of the two it is never shows.
 */
export class Bins {
  private indices: number[] = [];
  private counts: number[] = [];
  private dense: Float64Array | undefined;
  /** The bucket of `dense[0]`. */
  private first = 0;

  add(index: number, count: number): void {
    const { dense } = this;
    if (dense === undefined) return this.addSparse(index, count);
    const at = index - this.first;
    if (at >= 0 && at < dense.length) dense[at]! += count;
    else this.cover(index, index)[index - this.first]! += count;
  }

  merge(other: Bins): void {
    const { dense } = other;
    if (dense === undefined) return other.each((index, count) => this.add(index, count));
    const mine = this.cover(other.first, other.first + dense.length - 1);
    const shift = other.first - this.first;
    for (let at = 0; at < dense.length; at += 1) mine[at + shift]! += dense[at]!;
  }

  /** Visits the buckets that are not empty, in ascending order. */
  each(visit: (index: number, count: number) => void): void {
    const { dense, first } = this;
    if (dense === undefined) {
      for (let at = 0; at < this.indices.length; at += 1) visit(this.indices[at]!, this.counts[at]!);
      return;
    }
    for (let at = 0; at < dense.length; at += 1) if (dense[at]! > 0) visit(at + first, dense[at]!);
  }

  /** The bucket that holds the `rank`-th value, counted from 1; the last one if there are fewer. */
  indexOf(rank: number): number {
    const { dense } = this;
    const counts = dense ?? this.counts;
    let seen = 0;
    let at = -1;
    while (seen < rank && at < counts.length - 1) seen += counts[(at += 1)]!;
    return dense === undefined ? this.indices[at]! : at + this.first;
  }

  clone(): Bins {
    const copy = new Bins();
    copy.indices = this.indices.slice();
    copy.counts = this.counts.slice();
    copy.dense = this.dense?.slice();
    copy.first = this.first;
    return copy;
  }

  private addSparse(index: number, count: number): void {
    const at = this.placeOf(index);
    if (this.indices[at] === index) {
      this.counts[at]! += count;
    } else if (this.indices.length < SPARSE_LIMIT) {
      this.indices.splice(at, 0, index);
      this.counts.splice(at, 0, count);
    } else {
      this.cover(index, index)[index - this.first]! += count;
    }
  }

  /** The place of the first sparse index that is not below `index`. */
  private placeOf(index: number): number {
    let low = 0;
    let high = this.indices.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.indices[middle]! < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Makes the dense array, or widens it, to hold the buckets from `low` to `high` beside all those there are. */
  private cover(low: number, high: number): Float64Array {
    const { dense, indices, counts } = this;
    const lowest = Math.min(low, dense ? this.first : (indices[0] ?? low));
    const highest = Math.max(high, dense ? this.first + dense.length - 1 : (indices.at(-1) ?? high));
    const first = lowest - (lowest % CHUNK);
    const length = highest - (highest % CHUNK) + CHUNK - first;
    if (dense?.length === length) return dense;
    const wider = new Float64Array(length);
    if (dense) wider.set(dense, this.first - first);
    for (let at = 0; at < indices.length; at += 1) wider[indices[at]! - first] = counts[at]!;
    this.indices = [];
    this.counts = [];
    this.first = first;
    return (this.dense = wider);
  }
}
