import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { LogRecord } from '../event-log.js';
import { AT, RecordCursor, UnreadableCursor, type BatchFacts } from './record-batch.js';

const COMPRESSION = 0b111;
const APPEND_TIME = 0b1000;
const CONTROL = 0b100000;
/** A batch of a hostile producer may not unpack to more. */
const MAX_UNPACKED_BYTES = 256 * 1_048_576;

/** Takes the records of a fetched partition apart, as many at a time as the caller wants, from offset `from` on. */
export class RecordReader {
  private at = 0;
  private next: bigint;
  private cursor: RecordCursor | UnreadableCursor | undefined;
  private peeked: LogRecord | undefined;

  constructor(
    private readonly batches: Buffer,
    private readonly partition: number,
    private readonly from: bigint,
  ) {
    this.next = from;
    this.peek();
  }

  /** True when no record is left. */
  get done(): boolean {
    return this.peeked === undefined;
  }

  /** Once it is done: where reading goes on. It may lie past the last record, for compaction and transactions leave holes. */
  get nextOffset(): bigint {
    return this.next;
  }

  /** Records that cannot be read, such as those of a foreign producer with another compression, come with a value that says why. */
  read(max: number): LogRecord[] {
    const records: LogRecord[] = [];
    while (records.length < max && this.peeked !== undefined) {
      records.push(this.peeked);
      this.peek();
    }
    return records;
  }

  private peek(): void {
    for (;;) {
      while (this.cursor?.done === false) {
        const record = this.cursor.next();
        if (record.offset < this.from) continue;
        this.peeked = record;
        return;
      }
      if (!this.openBatch()) break;
    }
    this.peeked = undefined;
  }

  /** False at the end: what is left, if anything, is part of a batch. */
  private openBatch(): boolean {
    const { batches, at } = this;
    if (at + AT.records > batches.length) return false;
    const end = at + AT.leaderEpoch + batches.readInt32BE(at + AT.length);
    if (end > batches.length) return false;
    const batch = batches.subarray(at, end);
    const isOld = batch.readInt8(AT.magic) !== 2;
    const baseOffset = batch.readBigInt64BE(0);
    const offsets = isOld ? 1 : batch.readInt32BE(AT.lastOffsetDelta) + 1;
    const next = baseOffset + BigInt(offsets);
    if (next > this.next) this.next = next;
    this.at = end;
    if (isOld) this.cursor = new UnreadableCursor(offsets, factsOf(batch, this.partition, 0), 'a message format from before Kafka 0.11');
    else this.cursor = cursorOf(batch, offsets, this.partition);
    return true;
  }
}

/** Undefined for a batch that says something to the brokers alone. */
function cursorOf(batch: Buffer, offsets: number, partition: number): RecordCursor | UnreadableCursor | undefined {
  const attributes = batch.readInt16BE(AT.attributes);
  if ((attributes & CONTROL) !== 0) return undefined;
  const facts = factsOf(batch, partition, attributes);
  try {
    const data = unpacked(batch.subarray(AT.records), attributes & COMPRESSION);
    return new RecordCursor(data, batch.readInt32BE(AT.count), facts);
  } catch (error) {
    return new UnreadableCursor(offsets, facts, error instanceof Error ? error.message : String(error));
  }
}

function factsOf(batch: Buffer, partition: number, attributes: number): BatchFacts {
  return {
    partition,
    baseOffset: batch.readBigInt64BE(0),
    baseTimestampMs: Number(batch.readBigInt64BE(AT.baseTimestamp)),
    appendTimestampMs: (attributes & APPEND_TIME) === 0 ? undefined : Number(batch.readBigInt64BE(AT.maxTimestamp)),
  };
}

function unpacked(data: Buffer, compression: number): Buffer {
  if (compression === 0) return data;
  if (compression === 1) return gunzipSync(data, { maxOutputLength: MAX_UNPACKED_BYTES });
  if (compression === 4) return zstdDecompressSync(data, { maxOutputLength: MAX_UNPACKED_BYTES });
  throw new Error(`compressed with ${compression === 2 ? 'snappy' : 'lz4'}, where only gzip and zstd are read`);
}
