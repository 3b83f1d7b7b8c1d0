import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { EventLogError, type LogRecord } from '../event-log.js';
import { AT, RecordCursor } from './record-batch.js';

const COMPRESSION = 0b111;
const APPEND_TIME = 0b1000;
const CONTROL = 0b100000;
/** A batch of a hostile producer may not unpack to more. */
const MAX_UNPACKED_BYTES = 256 * 1_048_576;

/** Takes the records of a fetched partition apart, as many at a time as the caller wants, from offset `from` on. */
export class RecordReader {
  private at = 0;
  private next: bigint;
  private cursor: RecordCursor | undefined;
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

  /** Throws EventLogError for a batch that cannot be read. */
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
    if (batches.readInt8(at + AT.magic) !== 2) throw new EventLogError('records of the message formats before Kafka 0.11 cannot be read');
    const baseOffset = batches.readBigInt64BE(at);
    const attributes = batches.readInt16BE(at + AT.attributes);
    const next = baseOffset + BigInt(batches.readInt32BE(at + AT.lastOffsetDelta)) + 1n;
    if (next > this.next) this.next = next;
    this.at = end;
    if ((attributes & CONTROL) !== 0) return true;
    const maxTimestampMs = Number(batches.readBigInt64BE(at + AT.maxTimestamp));
    const facts = {
      partition: this.partition,
      baseOffset,
      baseTimestampMs: Number(batches.readBigInt64BE(at + AT.baseTimestamp)),
      appendTimestampMs: (attributes & APPEND_TIME) === 0 ? undefined : maxTimestampMs,
    };
    const data = unpacked(batches.subarray(at + AT.records, end), attributes & COMPRESSION);
    this.cursor = new RecordCursor(data, batches.readInt32BE(at + AT.count), facts);
    return true;
  }
}

function unpacked(data: Buffer, compression: number): Buffer {
  if (compression === 0) return data;
  if (compression === 1) return gunzipSync(data, { maxOutputLength: MAX_UNPACKED_BYTES });
  if (compression === 4) return zstdDecompressSync(data, { maxOutputLength: MAX_UNPACKED_BYTES });
  throw new EventLogError(
    `records compressed with ${compression === 2 ? 'snappy' : 'lz4'} cannot be read; let their producer use gzip or zstd`,
  );
}
