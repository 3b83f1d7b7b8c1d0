import { MAX_RECORD_BYTES, type OutgoingRecord } from './event-log.js';
import { packFrames, unpackFrame } from './sqlite/frame.js';
import type { Append, StoredFrame } from './sqlite/writer.js';

/** A place in the spool: an offset, and which opening of the files it is good for. */
export interface SpoolPlace {
  readonly at: number;
  readonly opening: number;
}

/** Records from the head of the spool. `next` is the place after the last of them; `unreadable` were found damaged among them, and are lost. */
export interface SpoolBatch {
  readonly records: readonly PlacedRecord[];
  readonly next: SpoolPlace;
  readonly unreadable: number;
}

/** A spooled record and its offset in the spool. */
export interface PlacedRecord extends OutgoingRecord {
  readonly at: number;
}

/** `2147483647/` */
const LONGEST_PREFIX = 11;

/** A record's partition is kept in its key: the topic may have had fewer partitions when it was spooled than when it is sent. */
export function framesOf(records: readonly OutgoingRecord[], partitionId: number): readonly Append[] {
  const keyed = records.map(({ partition, key, value }) => ({ partition: 0, key: `${partition}/${key}`, value }));
  return packFrames(keyed, undefined, MAX_RECORD_BYTES + LONGEST_PREFIX).map((frame) => ({ ...frame, partitionId, compacted: false }));
}

/** What was read from `place` on, as records. What the disk has mangled is counted, and left out. */
export function batchOf(frames: readonly StoredFrame[], { at: from, opening }: SpoolPlace): SpoolBatch {
  const records: PlacedRecord[] = [];
  let unreadable = 0;
  for (const frame of frames) {
    const found = recordsOf(frame, from);
    records.push(...found);
    const firstWanted = Math.max(from, frame.lastOffset - frame.records + 1);
    unreadable += frame.lastOffset - firstWanted + 1 - found.length;
  }
  return { records, next: { at: (frames.at(-1)?.lastOffset ?? from - 1) + 1, opening }, unreadable };
}

function recordsOf(frame: StoredFrame, from: number): PlacedRecord[] {
  const firstOffset = frame.lastOffset - frame.records + 1;
  try {
    return unpackFrame(frame.data, { partition: 0, firstOffset, timestampMs: 0 }, from).flatMap(({ key, value, offset }) => {
      const slash = key.indexOf('/');
      const partition = Number(key.slice(0, slash));
      return slash > 0 && Number.isInteger(partition) ? [{ partition, key: key.slice(slash + 1), value, at: Number(offset) }] : [];
    });
  } catch {
    return []; // Bytes that the disk has mangled.
  }
}
