import { readChatFrame } from './chat-frames.js';
import { readMessagesFrame } from './messages-frames.js';
import type { Observation } from './observation.js';
import type { Operation } from './operations.js';
import { readResponsesFrame } from './responses-frames.js';

/** What a frame of a stream was: `usage` is a chunk that holds usage and no choice. */
export type FrameKind = 'token' | 'usage' | 'done' | 'error' | 'other';

/** Reads the data of one frame and notes what it tells. Never throws: a frame that cannot be read is `other`. */
export type FrameReader = (data: string, seen: Observation) => FrameKind;

export function frameReaderOf(operation: Operation): FrameReader {
  if (operation.name === 'messages') return readMessagesFrame;
  if (operation.name === 'responses') return readResponsesFrame;
  return readChatFrame;
}
