import { decodeEvent, MAX_EVENT_BYTES, type DecodeReason, type EventType, type InferometerEvent } from '#libs/contracts';
import type { Line } from './line-splitter.js';

/** The topics that recorded events go back to. */
export type InputTopic = 'requests' | 'gpus';

/** Why a line is not replayed: a closed set. */
export type RefusalReason = DecodeReason | 'not_replayable';

export interface RecordedEvent {
  readonly type: EventType;
  readonly topic: InputTopic;
  readonly key: string;
  /** The partition that its producer numbered it for, by its id; undefined if the id does not say. */
  readonly partition: number | undefined;
  readonly bytes: Uint8Array;
}

export type ReadLine =
  | { readonly kind: 'event'; readonly event: RecordedEvent }
  | { readonly kind: 'blank' }
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly detail: string };

const WHITE = new Set([0x20, 0x09, 0x0d]);
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** Reads one line of a file of recorded events. Never throws. */
export function readLine({ number, bytes }: Line): ReadLine {
  if (bytes === undefined) return { kind: 'refused', reason: 'too_large', detail: `more than ${MAX_EVENT_BYTES} bytes` };
  const text = trimmed(number === 1 ? withoutMark(bytes) : bytes);
  if (text.length === 0) return { kind: 'blank' };
  const decoded = decodeEvent(text);
  if (!decoded.ok) return { kind: 'refused', reason: decoded.reason, detail: decoded.detail };
  const event = decoded.value;
  const topic = topicOf(event.type);
  if (!topic) return { kind: 'refused', reason: 'not_replayable', detail: `${event.type} is an answer of the aggregators, not an input` };
  return { kind: 'event', event: { type: event.type, topic, key: keyOf(event), partition: partitionIn(event), bytes: text } };
}

function topicOf(type: EventType): InputTopic | undefined {
  if (type === 'io.inferometer.alert.changed.v1') return undefined;
  return type === 'io.inferometer.gpu.read.v1' ? 'gpus' : 'requests';
}

/** The key that its producer gave it: readings are kept by host and GPU, everything else by its subject. */
function keyOf(event: InferometerEvent): string {
  return event.type === 'io.inferometer.gpu.read.v1' ? `${event.data.host}/${event.data.uuid}` : event.subject;
}

/** From `<producer>/<boot>/<partition>/<sequence>`, as long as it is about this very event. */
function partitionIn({ id, bootid, sequence }: InferometerEvent): number | undefined {
  const [, boot, partition, itsSequence] = /\/([^/]+)\/(\d{1,6})\/(\d{1,16})$/.exec(id) ?? [];
  return boot === bootid && Number(itsSequence) === sequence ? Number(partition) : undefined;
}

function withoutMark(bytes: Uint8Array): Uint8Array {
  return BYTE_ORDER_MARK.every((byte, index) => bytes[index] === byte) ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes;
}

function trimmed(bytes: Uint8Array): Uint8Array {
  let start = 0;
  let end = bytes.length;
  while (start < end && WHITE.has(bytes[start]!)) start += 1;
  while (end > start && WHITE.has(bytes[end - 1]!)) end -= 1;
  return bytes.subarray(start, end);
}
