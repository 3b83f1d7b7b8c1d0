import { EventLogError, MAX_RECORD_BYTES, type LogRecord, type OutgoingRecord } from '../event-log.js';

/** Records of one partition, packed. A record is: key length (u32 LE), value length (i32 LE, -1 for null), key, value. */
export interface Frame {
  readonly records: number;
  readonly data: Uint8Array;
}

/** Gives memory of so many bytes, all of which will be written. */
export type Memory = (bytes: number) => Buffer;

/** Where a frame stands in its partition. */
export interface FramePlace {
  readonly partition: number;
  readonly firstOffset: number;
  readonly timestampMs: number;
}

const HEAD_BYTES = 8;
/** Frames stay small enough that readers take whole ones and that starting in the middle of one is cheap. */
const MAX_FRAME_RECORDS = 250;
const MAX_FRAME_BYTES = 128 * 1024;

/** Packs records, in order, into frames. Throws EventLogError if one is larger than `limit` bytes. */
export function packFrames(records: readonly OutgoingRecord[], memory: Memory = ownMemory, limit = MAX_RECORD_BYTES): readonly Frame[] {
  const frames: Frame[] = [];
  let start = 0;
  let bytes = 0;
  for (let at = 0; at < records.length; at += 1) {
    const size = sizeOf(records[at]!, limit);
    if (at > start && (at - start === MAX_FRAME_RECORDS || bytes + size > MAX_FRAME_BYTES)) {
      frames.push(packFrame(records, start, at, memory(bytes)));
      start = at;
      bytes = 0;
    }
    bytes += size;
  }
  if (start < records.length) frames.push(packFrame(records, start, records.length, memory(bytes)));
  return frames;
}

/** The records of a frame from offset `from` on. Values are views of `data`. */
export function unpackFrame(data: Uint8Array, place: FramePlace, from = 0): LogRecord[] {
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const { partition, timestampMs } = place;
  const records: LogRecord[] = [];
  let offset = place.firstOffset;
  for (let at = 0; at < buffer.length; offset += 1) {
    const keyEnd = at + HEAD_BYTES + buffer.readUInt32LE(at);
    const valueBytes = buffer.readInt32LE(at + 4);
    const end = keyEnd + Math.max(valueBytes, 0);
    if (offset >= from) {
      const key = buffer.toString('utf8', at + HEAD_BYTES, keyEnd);
      const value = valueBytes < 0 ? null : buffer.subarray(keyEnd, end);
      records.push({ partition, offset: BigInt(offset), key, value, timestampMs });
    }
    at = end;
  }
  return records;
}

function ownMemory(bytes: number): Buffer {
  return Buffer.allocUnsafeSlow(bytes);
}

function sizeOf({ key, value }: OutgoingRecord, limit: number): number {
  const size = Buffer.byteLength(key) + (value?.byteLength ?? 0);
  if (size > limit) throw new EventLogError(`a record of ${size} bytes is too large: at most ${limit}`);
  return HEAD_BYTES + size;
}

function packFrame(records: readonly OutgoingRecord[], start: number, end: number, data: Buffer): Frame {
  let at = 0;
  for (let index = start; index < end; index += 1) {
    const { key, value } = records[index]!;
    const keyBytes = data.write(key, at + HEAD_BYTES);
    data.writeUInt32LE(keyBytes, at);
    data.writeInt32LE(value === null ? -1 : value.byteLength, at + 4);
    at += HEAD_BYTES + keyBytes;
    if (value !== null) {
      data.set(value, at);
      at += value.byteLength;
    }
  }
  return { records: end - start, data };
}
