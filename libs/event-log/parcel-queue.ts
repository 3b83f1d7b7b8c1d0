import type { DropCounts } from './drop-counts.js';
import type { OutgoingRecord } from './event-log.js';

/** An event that waits in memory. */
export interface Parcel {
  readonly type: string;
  readonly record: OutgoingRecord;
}

/** Parcels in their order, from `push` until they are settled: in the log, in the spool, or dropped. */
export class ParcelQueue {
  private readonly parcels: Parcel[] = [];
  private settledSoFar = 0;

  constructor(
    private readonly drops: DropCounts,
    /** Called when parcels were settled. */
    private readonly onSettled: () => void,
  ) {}

  get length(): number {
    return this.parcels.length;
  }

  /** Parcels that were settled since the start. */
  get settled(): number {
    return this.settledSoFar;
  }

  /** Parcels that were pushed since the start. */
  get accepted(): number {
    return this.settledSoFar + this.parcels.length;
  }

  push(parcel: Parcel): void {
    this.parcels.push(parcel);
  }

  /** The first parcels as records, at most `count`; they stay. */
  records(count: number): OutgoingRecord[] {
    return this.parcels.slice(0, count).map(({ record }) => record);
  }

  /** The first `count` have found their place. */
  settle(count: number): void {
    this.parcels.splice(0, count);
    this.note(count);
  }

  dropAll(): void {
    for (const { type } of this.parcels) this.drops.add(type);
    this.settle(this.parcels.length);
  }

  private note(settled: number): void {
    this.settledSoFar += settled;
    this.onSettled();
  }
}
