import type { LogRecord } from '../event-log.js';
import { RecordReader } from './record-reader.js';

/** Why reading cannot go on where it is: what came next was deleted, or the whole topic was and exists anew. */
export type Detour = 'gone' | 'new topic';

/** How far one partition is read, and what was fetched of it but not yet handed over. One fetch at most is held. */
export class PartitionReading {
  /** The offset after the records handed over so far and done with. */
  next = 0n;
  /** The offset after the newest record, as far as is known. */
  end = 0n;
  detour: Detour | undefined;
  /** The id of the topic that the offsets belong to. */
  topicId = '';
  private endAtMs = -Infinity;
  private reader: RecordReader | undefined;
  private fetchAt = 0n;
  private begun = false;

  constructor(
    readonly partition: number,
    /** Called when there is something to take, or a detour. */
    private readonly onNews: () => void,
    /** Called when more should be fetched. */
    private readonly onHungry: () => void,
  ) {}

  /** Where the next fetch begins; undefined while there is no need of one. */
  get fetchOffset(): bigint | undefined {
    return this.begun && this.reader === undefined && this.detour === undefined ? this.fetchAt : undefined;
  }

  get hasNews(): boolean {
    return this.reader !== undefined || this.detour !== undefined;
  }

  /** Drops what was fetched and goes on at `offset` of the topic with that id. */
  seek(offset: bigint, topicId: string): void {
    this.topicId = topicId;
    this.reader = undefined;
    this.detour = undefined;
    this.next = offset;
    this.fetchAt = offset;
    this.begun = true;
    if (this.end < offset) this.end = offset;
    this.onHungry();
  }

  /** True if the end was not heard of lately, because there is enough to do without fetching. */
  isEndOlderThan(ms: number): boolean {
    return this.begun && performance.now() - this.endAtMs > ms;
  }

  noteEnd(end: bigint): void {
    this.end = end;
    this.endAtMs = performance.now();
  }

  /** Fetches no more until the next `seek`. */
  pause(): void {
    this.begun = false;
    this.reader = undefined;
  }

  /** Takes in what was fetched at `offset`, unless reading has moved since. */
  accept(offset: bigint, batches: Buffer, end: bigint): void {
    if (this.fetchOffset !== offset) return;
    this.noteEnd(end);
    if (batches.length === 0) return;
    this.reader = new RecordReader(batches, this.partition, offset);
    this.onNews();
  }

  /** To be called when the offset is out of range, or the topic is another one. */
  divert(detour: Detour, offset?: bigint): void {
    if (!this.begun || (offset !== undefined && this.fetchOffset !== offset)) return;
    this.reader = undefined;
    this.detour = detour;
    this.onNews();
  }

  /** The next records, at most `max`, and the offset after them. Throws EventLogError for records that cannot be read. */
  take(max: number): { readonly records: readonly LogRecord[]; readonly next: bigint } {
    const { reader } = this;
    if (!reader) return { records: [], next: this.next };
    const records = reader.read(max);
    if (!reader.done) return { records, next: records.at(-1)!.offset + 1n };
    this.fetchAt = reader.nextOffset;
    this.reader = undefined;
    this.onHungry();
    return { records, next: this.fetchAt };
  }
}
