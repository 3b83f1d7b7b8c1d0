import type { FrameKind } from './frame-readers.js';
import { isJsonObject, parseJsonObject } from './json.js';
import type { Observation } from './observation.js';
import { readMessagesUsage, type Usage } from './usage.js';

/**
 * Reads a frame of a messages stream (Anthropic's). Its usage comes in two parts: what the later one does not tell stays as it was, and the
 * output tokens of the first are no count yet.
 */
export function readMessagesFrame(data: string, seen: Observation): FrameKind {
  const event = parseJsonObject(data);
  switch (event?.['type']) {
    case 'message_start':
      noteStart(event['message'], seen);
      return 'other';
    case 'content_block_delta':
      return 'token';
    case 'message_delta':
      seen.usage = mergeKnown(seen.usage, readMessagesUsage(event['usage']));
      if (isJsonObject(event['delta'])) seen.noteFinish(event['delta']['stop_reason'], 0);
      return 'other';
    case 'message_stop':
      return 'done';
    case 'error':
      return 'error';
    default:
      // vLLM reports a dead engine in the shape of its other streams.
      return event?.['error'] ? 'error' : 'other';
  }
}

function noteStart(message: unknown, seen: Observation): void {
  const usage = isJsonObject(message) ? readMessagesUsage(message['usage']) : undefined;
  if (!usage) return;
  const { outputTokens: _none, ...input } = usage;
  seen.usage = input;
}

function mergeKnown(first: Usage | undefined, second: Usage | undefined): Usage | undefined {
  return first || second ? { ...first, ...second } : undefined;
}
