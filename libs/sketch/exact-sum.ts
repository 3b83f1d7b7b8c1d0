/*
 * The sum is a fixed-point number in four limbs, each an integer count of its unit. Scaling a double by a power of two and cutting it
 * at a whole number are exact, and so is adding two integers below 2⁵³: nothing is ever rounded, hence no order can show.
 */
const MIDDLE = 2 ** -8;
const LOW = 2 ** -60;
const LOWEST = 2 ** -112;
const HIGH = 2 ** 44;
const PER_MIDDLE = 1 / MIDDLE;
const PER_LOW = 1 / LOW;
const PER_LOWEST = 1 / LOWEST;
/** The three lower limbs hold 52 bits each and carry into the next; the high one stops at 2⁵³. */
const LIMB = 2 ** 52;
const HIGH_LIMIT = 2 ** 53;
/** A value above this counts as this. */
const MAX_VALUE = 2 ** 80;

/**
 * Exact sum of finite doubles ≥ 0: order of additions and merges never shows, not even in the last bit.
 * Exact for values from 2⁻⁶⁰ to 2⁸⁰ while the total stays below 2⁹⁷. Outside of that it is still the same in any order: parts below
 * 2⁻¹¹² are dropped, greater values count as 2⁸⁰, and the total stops at 2⁹⁷.
 */
export class ExactSum {
  private middle = 0;
  private low = 0;
  private lowest = 0;
  private high = 0;

  /** Adds `value`, `times` times over. Throws RangeError unless value is finite and ≥ 0 and times a whole number from 1 to 2⁵³ − 1. */
  add(value: number, times = 1): void {
    if (!(value >= 0 && value < Infinity)) throw new RangeError('a sum takes finite numbers that are not negative');
    if (times === 1) this.addCut(value);
    else this.addTimes(value, times);
  }

  /** Adds everything that was added to `other`. */
  merge(other: ExactSum): void {
    this.addLimbs(other.middle, other.low, other.lowest, other.high);
  }

  /** The double nearest to the sum, give or take its last bit; a single value comes back as it was. Never falls as values are added. */
  get value(): number {
    return this.lowest * LOWEST + this.low * LOW + this.middle * MIDDLE + this.high * HIGH;
  }

  /** Equal sums give equal limbs; zero gives `[]`. */
  toJSON(): readonly number[] {
    const limbs = [this.middle, this.low, this.lowest, this.high];
    while (limbs.at(-1) === 0) limbs.pop();
    return limbs;
  }

  /** Throws RangeError for anything that `toJSON` would not give. */
  static fromJSON(limbs: readonly number[]): ExactSum {
    if (limbs.length > 4 || limbs.at(-1) === 0) throw new RangeError('not the limbs of a sum');
    for (const [place, limb] of limbs.entries()) {
      const fits = Number.isInteger(limb) && limb >= 0 && (place === 3 ? limb <= HIGH_LIMIT : limb < LIMB);
      if (!fits) throw new RangeError('not the limbs of a sum');
    }
    const sum = new ExactSum();
    const [middle = 0, low = 0, lowest = 0, high = 0] = limbs;
    sum.addLimbs(middle, low, lowest, high);
    return sum;
  }

  clone(): ExactSum {
    const copy = new ExactSum();
    copy.merge(this);
    return copy;
  }

  /** Doubling is exact, multiplying is not. What is below the last unit goes first, as it would if each were added alone. */
  private addTimes(value: number, times: number): void {
    if (!(Number.isSafeInteger(times) && times > 0)) throw new RangeError('times must be a whole number from 1 to 2^53 - 1');
    let power = Math.floor(Math.min(value, MAX_VALUE) * PER_LOWEST) * LOWEST;
    for (let rest = times; rest > 0; rest = Math.floor(rest / 2)) {
      if (rest % 2 === 1) this.addGreat(power);
      power *= 2;
    }
  }

  /** Cuts a value into limbs; most are below 2⁴⁴, and have nothing below 2⁻⁶⁰. */
  private addCut(value: number): void {
    if (value >= HIGH) return this.addGreat(Math.min(value, MAX_VALUE));
    const middle = Math.floor(value * PER_MIDDLE);
    const belowMiddle = value - middle * MIDDLE;
    const low = Math.floor(belowMiddle * PER_LOW);
    const belowLow = belowMiddle - low * LOW;
    this.addLimbs(middle, low, belowLow === 0 ? 0 : Math.floor(belowLow * PER_LOWEST), 0);
  }

  private addGreat(value: number): void {
    const high = Math.floor(value / HIGH);
    this.addLimbs(0, 0, 0, high);
    this.addCut(value - high * HIGH);
  }

  private addLimbs(middle: number, low: number, lowest: number, high: number): void {
    let lowestSum = this.lowest + lowest;
    let lowSum = this.low + low;
    let middleSum = this.middle + middle;
    let highSum = this.high + high;
    if (lowestSum >= LIMB) {
      lowestSum -= LIMB;
      lowSum += 1;
    }
    if (lowSum >= LIMB) {
      lowSum -= LIMB;
      middleSum += 1;
    }
    if (middleSum >= LIMB) {
      middleSum -= LIMB;
      highSum += 1;
    }
    this.lowest = lowestSum;
    this.low = lowSum;
    this.middle = middleSum;
    this.high = Math.min(highSum, HIGH_LIMIT);
  }
}
