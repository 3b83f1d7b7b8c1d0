import { Bins } from './bins.js';
import { ByteReader, ByteWriter } from './codec.js';
import { ExactSum } from './exact-sum.js';

/** Bucket i holds (γ^(i−1), γ^i]; its middle is off by at most (γ − 1)/(γ + 1) = 0.99 %, which leaves room for rounding at the edges. */
const GAMMA = 1.02;
const LOG_GAMMA = Math.log(GAMMA);
const PER_LOG = 1 / LOG_GAMMA;
const MIDDLE = 2 / (1 + GAMMA);
/** Bucket numbers are moved up by this to start at 0: the lowest one ends just below 10⁻⁹, the last one at 10²⁶. */
const SHIFT = 1047;
const LAST_BUCKET = 4095;
const VERSION = 1;

/**
 * Log-bucket quantile sketch with whole counts: any quantile within 1 % of the true nearest-rank value, from 10⁻⁹ to 10²⁶; zeros, count,
 * sum, min and max are exact. Values beyond that range are counted in the outermost buckets, where only min and max are still exact.
 * Merging is addition, so it does not show in which order, or in how many parts, the values came.
 */
export class QuantileSketch {
  private n = 0;
  private zeros = 0;
  private least = Infinity;
  private greatest = 0;
  private bins = new Bins();
  private total = new ExactSum();

  /** Throws RangeError, and adds nothing, unless `value` is finite and ≥ 0 and `count` a whole number ≥ 1; or past 2⁵³ − 1 values. */
  add(value: number, count = 1): void {
    if (!(value >= 0 && value < Infinity)) throw new RangeError('a sketch takes finite numbers that are not negative');
    if (count !== 1 && !(Number.isInteger(count) && count > 0)) throw new RangeError('count must be a whole number above 0');
    this.grow(count);
    this.total.add(value, count);
    // `+ 0` turns −0 into 0: there is but one zero in the encoded bytes.
    if (value < this.least) this.least = value + 0;
    if (value > this.greatest) this.greatest = value;
    if (value === 0) this.zeros += count;
    else this.bins.add(bucketOf(value), count);
  }

  /** Adds everything that was added to `other`. Throws RangeError past 2⁵³ − 1 values. */
  merge(other: QuantileSketch): void {
    this.grow(other.n);
    this.total.merge(other.total);
    this.least = Math.min(this.least, other.least);
    this.greatest = Math.max(this.greatest, other.greatest);
    this.zeros += other.zeros;
    this.bins.merge(other.bins);
  }

  /** The value of rank ⌈q·count⌉ (at least 1), within 1 % and between min and max; undefined if empty. Throws RangeError for NaN. */
  quantile(q: number): number | undefined {
    if (Number.isNaN(q)) throw new RangeError('a quantile must be a number');
    if (this.n === 0) return undefined;
    const rank = Math.max(1, Math.ceil(q * this.n));
    if (rank === 1) return this.least;
    if (rank >= this.n) return this.greatest;
    if (rank <= this.zeros) return 0;
    const middle = middleOf(this.bins.indexOf(rank - this.zeros));
    return Math.min(this.greatest, Math.max(this.least, middle));
  }

  get count(): number {
    return this.n;
  }

  get sum(): number {
    return this.total.value;
  }

  get min(): number | undefined {
    return this.n === 0 ? undefined : this.least;
  }

  get max(): number | undefined {
    return this.n === 0 ? undefined : this.greatest;
  }

  get mean(): number | undefined {
    return this.n === 0 ? undefined : this.sum / this.n;
  }

  /** Equal content gives equal bytes: version, count, min; with more than one value also max, the buckets in use and the sum. */
  encode(): Uint8Array {
    const writer = new ByteWriter();
    writer.byte(VERSION);
    writer.varint(this.n);
    if (this.n > 0) writer.double(this.least);
    if (this.n > 1) {
      writer.double(this.greatest);
      this.encodeBins(writer);
      const limbs = this.total.toJSON();
      writer.varint(limbs.length);
      for (const limb of limbs) writer.varint(limb);
    }
    return writer.finish();
  }

  /** Throws RangeError for anything that `encode` would not give: another version, truncated, trailing or contradictory bytes. */
  static decode(bytes: Uint8Array): QuantileSketch {
    const reader = new ByteReader(bytes);
    if (reader.byte() !== VERSION) throw new RangeError('not a sketch of this version');
    const sketch = new QuantileSketch();
    const count = reader.varint();
    if (count === 1) sketch.add(notMinusZero(reader.double()));
    if (count > 1) sketch.read(reader, count);
    reader.end();
    return sketch;
  }

  clone(): QuantileSketch {
    const copy = new QuantileSketch();
    copy.n = this.n;
    copy.zeros = this.zeros;
    copy.least = this.least;
    copy.greatest = this.greatest;
    copy.bins = this.bins.clone();
    copy.total = this.total.clone();
    return copy;
  }

  private grow(count: number): void {
    const n = this.n + count;
    if (n > Number.MAX_SAFE_INTEGER) throw new RangeError('more than 2^53 - 1 values');
    this.n = n;
  }

  /** Each bucket is one number, twice its distance to the one before, plus 1 if a count follows: most buckets of a small sketch hold one value. */
  private encodeBins(writer: ByteWriter): void {
    let buckets = 0;
    this.bins.each(() => (buckets += 1));
    writer.varint(buckets);
    let previous = -1;
    this.bins.each((index, count) => {
      writer.varint((index - previous - 1) * 2 + (count > 1 ? 1 : 0));
      if (count > 1) writer.varint(count - 2);
      previous = index;
    });
  }

  /** The part that only a sketch of two values or more has. */
  private read(reader: ByteReader, count: number): void {
    this.n = count;
    this.least = notMinusZero(reader.double());
    this.greatest = notMinusZero(reader.double());
    const buckets = reader.varint();
    let index = -1;
    let inBuckets = 0;
    for (let bucket = 0; bucket < buckets; bucket += 1) {
      const head = reader.varint();
      const here = head % 2 === 0 ? 1 : reader.varint() + 2;
      index += Math.floor(head / 2) + 1;
      if (index > LAST_BUCKET) throw new RangeError('a bucket that no sketch has');
      this.bins.add(index, here);
      inBuckets += here;
    }
    this.zeros = count - inBuckets;
    this.checkEnds();
    this.total = ExactSum.fromJSON(Array.from({ length: Math.min(reader.varint(), 5) }, () => reader.varint()));
  }

  /** Min and max must agree with the zeros and with the outermost buckets, or the bytes are not of our making. */
  private checkEnds(): void {
    const { least, greatest, zeros, n } = this;
    const ordered = least >= 0 && least <= greatest && greatest < Infinity && zeros >= 0;
    const low = least === 0 ? zeros > 0 : zeros === 0 && this.bins.indexOf(1) === bucketOf(least);
    const high = greatest === 0 ? zeros === n : zeros < n && this.bins.indexOf(n - zeros) === bucketOf(greatest);
    if (!ordered || !low || !high) throw new RangeError('a sketch that contradicts itself');
  }
}

function bucketOf(value: number): number {
  const bucket = Math.ceil(Math.log(value) * PER_LOG) + SHIFT;
  return bucket < 0 ? 0 : bucket > LAST_BUCKET ? LAST_BUCKET : bucket;
}

function middleOf(bucket: number): number {
  return Math.exp((bucket - SHIFT) * LOG_GAMMA) * MIDDLE;
}

function notMinusZero(value: number): number {
  if (Object.is(value, -0)) throw new RangeError('a zero with a sign');
  return value;
}
