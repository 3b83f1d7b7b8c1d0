import type { DropCounts } from './drop-counts.js';
import type { OutgoingRecord } from './event-log.js';

/** An event that waits in memory. */
export interface Parcel {
  readonly type: string;
  /** Undefined for an event that no log can take. The same record every time. */
  record(): OutgoingRecord | undefined;
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

  /** The first parcels as records, at most `count`; they stay. What no log can take is dropped, so that it does not spoil its whole batch. */
  records(count: number): OutgoingRecord[] {
    const head = this.parcels.slice(0, count);
    const fit = head.filter((parcel) => parcel.record() !== undefined);
    if (fit.length < head.length) {
      for (const parcel of head) if (!parcel.record()) this.drops.add(parcel.type);
      this.parcels.splice(0, head.length, ...fit);
      this.note(head.length - fit.length);
    }
    return fit.map((parcel) => parcel.record()!);
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
