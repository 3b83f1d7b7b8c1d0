import type { LogRecord, OutgoingRecord } from '../event-log.js';
import { crc32c } from './crc32c.js';

/** The layout of a record batch of message format 2: where its fields stand (kafka.apache.org/documentation/#recordbatch). */
export const AT = {
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
  records: 61,
} as const;

/** One header, as it stands in every record that has a value: a CloudEvent in structured mode says so. */
const HEADERS = headersOf('content-type', 'application/cloudevents+json');
const NO_HEADERS = Buffer.from([0]);

/** The bytes that a record adds to a batch, at most. */
export function sizeOf({ key, value }: OutgoingRecord): number {
  return key.length * 3 + (value?.byteLength ?? 0) + HEADERS.length + 32;
}

/** Packs records, in order, into one uncompressed batch. The broker sets offsets and timestamps. */
export function encodeBatch(records: readonly OutgoingRecord[]): Buffer {
  const batch = Buffer.allocUnsafe(records.reduce((sum, record) => sum + sizeOf(record), AT.records as number));
  batch.fill(0, 0, AT.records);
  let at: number = AT.records;
  for (const [index, record] of records.entries()) at = putRecord(batch, at, record, index);
  batch.writeInt32BE(at - AT.leaderEpoch, AT.length);
  batch.writeInt32BE(-1, AT.leaderEpoch);
  batch.writeInt8(2, AT.magic);
  batch.writeInt32BE(records.length - 1, AT.lastOffsetDelta);
  const nowMs = BigInt(Date.now());
  batch.writeBigInt64BE(nowMs, AT.baseTimestamp);
  batch.writeBigInt64BE(nowMs, AT.maxTimestamp);
  batch.writeBigInt64BE(-1n, AT.producerId);
  batch.writeInt16BE(-1, AT.producerEpoch);
  batch.writeInt32BE(-1, AT.baseSequence);
  batch.writeInt32BE(records.length, AT.count);
  const packed = batch.subarray(0, at);
  packed.writeInt32BE(crc32c(packed, AT.attributes), AT.crc);
  return packed;
}

function putRecord(batch: Buffer, start: number, { key, value }: OutgoingRecord, offsetDelta: number): number {
  const keyLength = Buffer.byteLength(key);
  const headers = value === null ? NO_HEADERS : HEADERS;
  const valueLength = value === null ? -1 : value.byteLength;
  const body = 2 + widthOf(offsetDelta) + widthOf(keyLength) + keyLength + widthOf(valueLength) + Math.max(0, valueLength) + headers.length;
  let at = putSigned(batch, start, body);
  batch[at] = 0; // Attributes.
  batch[at + 1] = 0; // Timestamp delta.
  at = putSigned(batch, at + 2, offsetDelta);
  at = putSigned(batch, at, keyLength);
  at += batch.write(key, at);
  at = putSigned(batch, at, valueLength);
  if (value !== null) {
    batch.set(value, at);
    at += valueLength;
  }
  batch.set(headers, at);
  return at + headers.length;
}

function headersOf(name: string, value: string): Buffer {
  const header = Buffer.alloc(64);
  let at = putSigned(header, 0, 1);
  for (const text of [name, value]) {
    at = putSigned(header, at, text.length);
    at += header.write(text, at);
  }
  return header.subarray(0, at);
}

/** Zigzag and base 128, as in protocol buffers. */
function putSigned(to: Buffer, start: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let at = start;
  for (; rest > 0x7f; at += 1) {
    to[at] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  to[at] = rest;
  return at + 1;
}

function widthOf(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x200000 ? 3 : zigzag < 0x10000000 ? 4 : 5;
}

/** What the records of one batch share. */
export interface BatchFacts {
  readonly partition: number;
  readonly baseOffset: bigint;
  readonly baseTimestampMs: number;
  /** The broker's clock, where the topic has it; it counts for every record of the batch. */
  readonly appendTimestampMs: number | undefined;
}

/** A place in the records of a batch. */
export class RecordCursor {
  private at = 0;

  constructor(
    private readonly data: Buffer,
    private left: number,
    private readonly facts: BatchFacts,
  ) {}

  get done(): boolean {
    return this.left <= 0;
  }

  /** The next record. Values are views of the batch. */
  next(): LogRecord {
    const { data, facts } = this;
    this.left -= 1;
    const length = this.signed();
    const end = this.at + length;
    this.at += 1;
    const timestampDelta = this.signed();
    const offset = facts.baseOffset + BigInt(this.signed());
    const keyLength = this.signed();
    const key = keyLength > 0 ? data.toString('utf8', this.at, this.at + keyLength) : '';
    this.at += Math.max(0, keyLength);
    const valueLength = this.signed();
    const value = valueLength < 0 ? null : data.subarray(this.at, this.at + valueLength);
    this.at = end;
    return {
      partition: facts.partition,
      offset,
      key,
      value,
      timestampMs: facts.appendTimestampMs ?? facts.baseTimestampMs + timestampDelta,
    };
  }

  /** Up to 70 bits on the wire; more than 53 never mean anything here. */
  private signed(): number {
    const { data } = this;
    let byte = data[this.at]!;
    this.at += 1;
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let value = byte & 0x7f;
    for (let scale = 0x80; byte >= 0x80; scale *= 0x80) {
      byte = data[this.at]!;
      this.at += 1;
      value += (byte & 0x7f) * scale;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}

/** Stands in for the records of a batch that cannot be read: one for each offset, with a value that says why, for the dead letters. */
export class UnreadableCursor {
  private at = 0;

  constructor(
    private readonly offsets: number,
    private readonly facts: BatchFacts,
    private readonly why: string,
  ) {}

  get done(): boolean {
    return this.at >= this.offsets;
  }

  next(): LogRecord {
    const { partition, baseOffset, baseTimestampMs, appendTimestampMs } = this.facts;
    const offset = baseOffset + BigInt(this.at);
    this.at += 1;
    return { partition, offset, key: '', value: Buffer.from(`unreadable: ${this.why}`), timestampMs: appendTimestampMs ?? baseTimestampMs };
  }
}
