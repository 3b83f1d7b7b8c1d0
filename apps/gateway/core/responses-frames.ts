import type { FrameKind } from './frame-readers.js';
import { isJsonObject, parseJsonObject, type JsonObject } from './json.js';
import type { Observation } from './observation.js';
import { readUsage } from './usage.js';

/** Reads a frame of a responses stream. An incomplete response (its token limit was reached) is a regular end. */
export function readResponsesFrame(data: string, seen: Observation): FrameKind {
  const event = parseJsonObject(data);
  const type = event?.['type'];
  if (!event || typeof type !== 'string') return event?.['error'] ? 'error' : 'other';
  if (type.startsWith('response.') && type.endsWith('.delta')) return 'token';
  if (type === 'response.failed' || type === 'error') return 'error';
  if (type !== 'response.completed' && type !== 'response.incomplete') return 'other';
  if (isJsonObject(event['response'])) noteResponse(event['response'], seen);
  return 'done';
}

/** Notes what a whole response tells of itself, streamed or not. */
export function noteResponse(response: JsonObject, seen: Observation): void {
  seen.usage = readUsage(response['usage']) ?? seen.usage;
  const details = response['incomplete_details'];
  seen.noteFinish(isJsonObject(details) ? details['reason'] : response['status'], 0);
}
