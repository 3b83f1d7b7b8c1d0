import { setTimeout as sleep } from 'node:timers/promises';
import { asError } from './as-error.js';
import { EventLogError, EventLogOpenError, type EventLog, type TopicSpec } from './event-log.js';

/** Where `prepareTopics` says that it has to wait. */
export interface TopicLogger {
  info(message: string): void;
  warn(message: string): void;
}

export interface PrepareOptions {
  /** Ends the trying: the promise rejects with EventLogError. */
  readonly signal?: AbortSignal;
  /** Tries on after EventLogOpenError too, for an app that has to run whatever the operator mends, or does not. */
  readonly insistent?: boolean;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5_000;
/** While the log is away it is said so once in this time. */
const SAY_EVERY_MS = 60_000;

/** Makes sure of the topics, and tries on for as long as the log is away. Rejects only with EventLogError. */
export async function prepareTopics(
  log: EventLog,
  topics: readonly TopicSpec[],
  logger: TopicLogger,
  options: PrepareOptions = {},
): Promise<void> {
  let saidAtMs = -Infinity;
  for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)) {
    const cause = await failureOf(() => unlessAborted(log.ensureTopics(topics), options.signal));
    if (cause === undefined) break;
    if (isFinal(cause, options)) throw cause;
    if (performance.now() - saidAtMs >= SAY_EVERY_MS) {
      saidAtMs = performance.now();
      logger.warn(`the event log cannot be used: ${cause.message}; trying on, next at ${new Date(Date.now() + retryMs).toISOString()}`);
    }
    await pause(retryMs, options.signal);
  }
  if (saidAtMs > 0) logger.info('the event log can be used again, and its topics are there');
}

/** As `work`, or rejects with EventLogError as soon as the signal is aborted, whatever becomes of `work`. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const giveUp = (): void => aborted.reject(new EventLogError('it was given up'));
  signal?.addEventListener('abort', giveUp);
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
}

async function failureOf(work: () => Promise<void>): Promise<Error | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return asError(error);
  }
}

function isFinal(cause: Error, { insistent = false }: PrepareOptions): boolean {
  return cause instanceof EventLogOpenError ? !insistent : cause instanceof EventLogError;
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, { ref: false, ...(signal && { signal }) }).catch(() => {});
  if (signal?.aborted) throw new EventLogError('preparing the topics was given up');
}
