import { setTimeout as wait } from 'node:timers/promises';
import { decodeEvent } from '#libs/contracts';
import { EventLogError, EventLogOpenError, type EventLog, type Following, type LogRecord, type RecordHandler } from '#libs/event-log';
import { selects, type Selection } from '../core/selection.js';
import type { Start } from '../core/start-time.js';
import type { LineFormat } from '../out/line-format.js';

/** What is done with what is read. */
export interface Printing {
  readonly selection: Selection;
  readonly from: Start;
  /** End when everything that was there at the start is printed. */
  readonly once: boolean;
  readonly format: LineFormat;
  /** Takes whole lines; reading goes on when it resolves. */
  readonly print: (text: string, stop: AbortSignal) => Promise<void>;
  /** Takes one line for the operator, without its end. */
  readonly say: (line: string) => void;
}

const LOOK_EVERY_MS = 1_000;

/**
 * Prints the events of a topic, in order within each partition, until `stop` is aborted. A topic that does not exist is waited for.
 * Rejects if the log fails, or `once` finds no such topic.
 */
export async function printTopic(log: EventLog, topic: string, printing: Printing, stop: AbortSignal): Promise<void> {
  const following = await startFollowing(log, topic, printing, stop);
  if (!following) return;
  const failed = following.failed.then((cause) => Promise.reject(cause));
  try {
    await Promise.race([failed, aborted(stop), ...(printing.once ? [following.caughtUp] : [])]);
  } finally {
    await following.close();
  }
}

/** Undefined if it is stopped while the topic is not there. */
async function startFollowing(log: EventLog, topic: string, printing: Printing, stop: AbortSignal): Promise<Following | undefined> {
  const handler = printer(topic, printing, stop);
  // What comes into a topic that was not there at the start is all new.
  let from: 'beginning' | 'end' = printing.from === 'now' ? 'end' : 'beginning';
  for (let isFirst = true; !stop.aborted; isFirst = false) {
    try {
      return await log.follow(topic, from, handler);
    } catch (error) {
      if (printing.once || !(await isMissing(log, topic, error))) throw error;
    }
    if (isFirst) printing.say(`topic ${topic} does not exist yet: waiting for it`);
    from = 'beginning';
    await wait(LOOK_EVERY_MS, undefined, { signal: stop }).catch(() => {});
  }
  return undefined;
}

async function isMissing(log: EventLog, topic: string, error: unknown): Promise<boolean> {
  if (!(error instanceof EventLogError) || error instanceof EventLogOpenError) return false;
  return (await log.topics([topic])).length === 0;
}

function printer(topic: string, { selection, from, format, print, say }: Printing, stop: AbortSignal): RecordHandler {
  const oldestMs = typeof from === 'number' ? from : -Infinity;
  const lineOf = (record: LogRecord): string => {
    if (record.timestampMs < oldestMs) return '';
    const decoded = decodeEvent(record.value);
    if (!decoded.ok) say(`${topic}, partition ${record.partition}, offset ${record.offset} is no event: ${decoded.reason}`);
    // What has been decoded has a value.
    return decoded.ok && selects(selection, decoded.value) ? `${format(decoded.value, record.value!)}\n` : '';
  };
  return {
    records: async (_partition, records) => {
      const text = records.map(lineOf).join('');
      if (text !== '') await print(text, stop);
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
