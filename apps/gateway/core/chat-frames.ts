import type { FrameKind } from './frame-readers.js';
import { isJsonObject, parseJsonObject } from './json.js';
import type { Observation } from './observation.js';
import { readUsage } from './usage.js';

/** Reads a frame of a chat or text completion's stream. */
export function readChatFrame(data: string, seen: Observation): FrameKind {
  if (data.trim() === '[DONE]') return 'done';
  const frame = parseJsonObject(data);
  if (!frame) return 'other';
  if (frame['error']) return 'error';
  if (frame['usage']) seen.usage = readUsage(frame['usage']) ?? seen.usage;
  if (frame['timings']) seen.noteTimings(frame['timings']);
  if (frame['metrics']) seen.noteMetrics(frame['metrics']);
  const choices: unknown = frame['choices'];
  if (!Array.isArray(choices)) return 'other';
  if (choices.length === 0) return isJsonObject(frame['usage']) ? 'usage' : 'other';
  let carriesToken = false;
  for (const choice of choices as unknown[]) carriesToken = readChoice(choice, seen) || carriesToken;
  return carriesToken ? 'token' : 'other';
}

/** True if the choice carries a token; a role alone is none. */
function readChoice(choice: unknown, seen: Observation): boolean {
  if (!isJsonObject(choice)) return false;
  if (choice['finish_reason']) seen.noteFinish(choice['finish_reason'], choice['index']);
  const delta = choice['delta'];
  if (!isJsonObject(delta)) return isFilled(choice['text']);
  return (
    isFilled(delta['content']) ||
    isFilled(delta['reasoning']) ||
    isFilled(delta['reasoning_content']) ||
    isFilled(delta['tool_calls']) ||
    isFilled(delta['refusal']) ||
    isFilled(delta['function_call'])
  );
}

function isFilled(value: unknown): boolean {
  if (typeof value === 'string' || Array.isArray(value)) return value.length > 0;
  return isJsonObject(value);
}
