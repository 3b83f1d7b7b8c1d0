/** True in a long run: `npm run test:faults -- --rounds N`. */
const isLong = process.env['FAULT_ROUNDS'] !== undefined;

/** What a fault is tried with: little in CI, where the whole suite has minutes, much in a long run. */
export function inLongRun<T>(long: T, short: T): T {
  return isLong ? long : short;
}

/** How often a fault is repeated: as `--rounds` says, else `short` times. */
export function rounds(short: number): number {
  return Number(process.env['FAULT_ROUNDS'] ?? short);
}

/** Random numbers that come again with the same seed. */
export class Random {
  private state: number;

  constructor(readonly seed: number) {
    this.state = seed;
  }

  /** In [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  pick<T>(values: readonly T[]): T {
    return values[this.integer(0, values.length - 1)]!;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }
}

/** Random numbers for one fault, whose seed is printed; `FAULT_SEED` sets it. */
export function randomFor(fault: string): Random {
  const seed = Number(process.env['FAULT_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${fault}: FAULT_SEED=${seed}`);
  return new Random(seed);
}
