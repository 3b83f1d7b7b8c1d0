import type { OutgoingRecord } from './event-log.js';

/** Some hundred events. Small enough that the allocator has one of the size at hand. */
const SLAB_BYTES = 65_536;
/** What UTF-8 takes at most for a unit of a string's length. */
const MAX_BYTES_PER_UNIT = 3;

/**
 * Events one behind the other in one piece of memory. As objects they would live just long enough to be copied by the collections of young
 * objects and then to need full ones: that would cost as much as all else that is done for them.
 */
export class ParcelSlab {
  private readonly bytes: Buffer;
  private readonly ends: number[] = [];
  private readonly partitions: number[] = [];
  private readonly keys: string[] = [];
  private readonly types: string[] = [];
  private used = 0;
  private held = 0;
  /** Somebody may go on reading its records. */
  isLent = false;

  private constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  /** An empty one with room for `text`. */
  static for(text: string): ParcelSlab {
    return new ParcelSlab(Math.max(SLAB_BYTES, text.length * MAX_BYTES_PER_UNIT));
  }

  /** True if `text` fits into one of the usual size. */
  static isUsual(text: string): boolean {
    return text.length * MAX_BYTES_PER_UNIT <= SLAB_BYTES;
  }

  get isUsual(): boolean {
    return this.bytes.length === SLAB_BYTES;
  }

  get count(): number {
    return this.held;
  }

  /** False if there may be no room for it. */
  add(type: string, partition: number, key: string, text: string): boolean {
    if (this.bytes.length - this.used < text.length * MAX_BYTES_PER_UNIT) return false;
    const at = this.held;
    this.used += this.bytes.write(text, this.used);
    this.ends[at] = this.used;
    this.partitions[at] = partition;
    this.keys[at] = key;
    this.types[at] = type;
    this.held = at + 1;
    return true;
  }

  typeOf(index: number): string {
    return this.types[index]!;
  }

  /** Empties it, to be filled again. Its records are void then. */
  clear(): void {
    this.used = 0;
    this.held = 0;
  }

  /** Its value is a view of the slab. */
  record(index: number): OutgoingRecord {
    const start = index === 0 ? 0 : this.ends[index - 1]!;
    return { partition: this.partitions[index]!, key: this.keys[index]!, value: this.bytes.subarray(start, this.ends[index]) };
  }
}
