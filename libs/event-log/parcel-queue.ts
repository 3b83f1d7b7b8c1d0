import type { DropCounts } from './drop-counts.js';
import type { OutgoingRecord } from './event-log.js';
import { ParcelSlab } from './parcel-slab.js';

/** So many empty slabs are kept at most: what is in the air at full load. */
const MAX_SPARE = 16;

/** Events that wait in memory, in their order, from `push` until they are settled: in the log, in the spool, or dropped. */
export class ParcelQueue {
  private readonly slabs: ParcelSlab[] = [];
  private readonly spare: ParcelSlab[] = [];
  /** How many parcels of the first slab are settled. */
  private first = 0;
  private waiting = 0;
  private settledSoFar = 0;

  constructor(
    private readonly drops: DropCounts,
    /** Called when parcels were settled. */
    private readonly onSettled: () => void,
  ) {}

  get length(): number {
    return this.waiting;
  }

  /** Parcels that were settled since the start. */
  get settled(): number {
    return this.settledSoFar;
  }

  /** Parcels that were pushed since the start. */
  get accepted(): number {
    return this.settledSoFar + this.waiting;
  }

  /** `text` is the event, which is `type`. */
  push(type: string, partition: number, key: string, text: string): void {
    if (!this.slabs.at(-1)?.add(type, partition, key, text)) {
      const slab = this.slabFor(text);
      slab.add(type, partition, key, text);
      this.slabs.push(slab);
    }
    this.waiting += 1;
  }

  /** The first parcels as records, at most `count`; they stay, and the records are good until they are settled, or for good if they are lent. */
  records(count: number): OutgoingRecord[] {
    const records: OutgoingRecord[] = [];
    let at = this.first;
    for (const slab of this.slabs) {
      for (; at < slab.count && records.length < count; at += 1) records.push(slab.record(at));
      at = 0;
    }
    return records;
  }

  /** Somebody may still read the records of the first `count` when they are settled. */
  lend(count: number): void {
    let left = this.first + count;
    for (const slab of this.slabs) {
      if (left <= 0) return;
      slab.isLent = true;
      left -= slab.count;
    }
  }

  /** The first `count` have found their place. */
  settle(count: number): void {
    this.waiting -= count;
    this.settledSoFar += count;
    this.first += count;
    while (this.slabs[0] && this.first >= this.slabs[0].count) {
      this.first -= this.slabs[0].count;
      this.putAway(this.slabs.shift()!);
    }
    this.onSettled();
  }

  dropAll(): void {
    let at = this.first;
    for (const slab of this.slabs) {
      for (; at < slab.count; at += 1) this.drops.add(slab.typeOf(at));
      at = 0;
    }
    this.settle(this.waiting);
  }

  private slabFor(text: string): ParcelSlab {
    return (ParcelSlab.isUsual(text) ? this.spare.pop() : undefined) ?? ParcelSlab.for(text);
  }

  private putAway(slab: ParcelSlab): void {
    if (!slab.isUsual || slab.isLent || this.spare.length >= MAX_SPARE) return;
    slab.clear();
    this.spare.push(slab);
  }
}
