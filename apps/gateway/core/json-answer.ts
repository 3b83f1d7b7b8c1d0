import { isJsonObject, parseJsonObject } from './json.js';
import type { Observation } from './observation.js';
import type { Operation } from './operations.js';
import { noteResponse } from './responses-frames.js';
import { readMessagesUsage, readUsage } from './usage.js';

/** Notes what the whole body of an answer that was not streamed tells: usage, finish reason, engine timings. */
export function readJsonAnswer(body: string, operation: Operation, seen: Observation): void {
  const answer = parseJsonObject(body);
  if (!answer) return;
  if (operation.name === 'responses') {
    noteResponse(answer, seen);
  } else if (operation.name === 'messages') {
    seen.usage = readMessagesUsage(answer['usage']);
    seen.noteFinish(answer['stop_reason'], 0);
  } else {
    seen.usage = readUsage(answer['usage']);
    seen.noteTimings(answer['timings']);
    seen.noteMetrics(answer['metrics']);
    const choices: unknown = answer['choices'];
    for (const choice of Array.isArray(choices) ? (choices as unknown[]) : []) {
      if (isJsonObject(choice)) seen.noteFinish(choice['finish_reason'], choice['index']);
    }
  }
}
