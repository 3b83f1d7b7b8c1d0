import type { EventLog, OutgoingRecord } from '#libs/event-log';

const MAX_BATCH_RECORDS = 500;
const MAX_BATCH_BYTES = 2_000_000;

/** Stores records in order, one batch in flight. What could not be stored stays, and is tried again at the next call. */
export class RollupQueue {
  private readonly records: OutgoingRecord[] = [];
  /** Ends of stretches that are stored only after what is before them: counted in records from the front. */
  private readonly barriers: number[] = [];
  private inFlight: Promise<void> = Promise.resolve();
  private queuedBytes = 0;

  constructor(
    private readonly log: Pick<EventLog, 'append'>,
    private readonly topic: string,
  ) {}

  get isEmpty(): boolean {
    return this.records.length === 0;
  }

  get bytes(): number {
    return this.queuedBytes;
  }

  push(record: OutgoingRecord): void {
    this.records.push(record);
    this.queuedBytes += sizeOf(record);
  }

  /** What comes later is not in one batch with what is here. */
  barrier(): void {
    this.barriers.push(this.records.length);
  }

  /** Resolves when all that is here now is stored. Rejects with the failure of the first batch that could not be. */
  flush(): Promise<void> {
    const flushing = this.inFlight.then(() => this.send());
    this.inFlight = flushing.catch(() => undefined);
    return flushing;
  }

  private async send(): Promise<void> {
    while (this.records.length > 0) {
      const batch = this.batch();
      await this.log.append(this.topic, batch);
      this.records.splice(0, batch.length);
      for (const record of batch) this.queuedBytes -= sizeOf(record);
      const ahead = this.barriers.map((at) => at - batch.length).filter((at) => at > 0);
      this.barriers.splice(0, Infinity, ...ahead);
    }
  }

  private batch(): readonly OutgoingRecord[] {
    const most = Math.min(MAX_BATCH_RECORDS, this.records.length, this.barriers[0] ?? Infinity);
    let [count, bytes] = [0, 0];
    while (count < most && (count === 0 || bytes + sizeOf(this.records[count]!) <= MAX_BATCH_BYTES)) {
      bytes += sizeOf(this.records[count]!);
      count += 1;
    }
    return this.records.slice(0, count);
  }
}

function sizeOf({ key, value }: OutgoingRecord): number {
  return key.length + (value?.byteLength ?? 0);
}
