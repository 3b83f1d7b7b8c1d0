import { EventLogError, EventLogOpenError } from '../event-log.js';

/** An error as it travels from the writer's thread: `transient` where trying again may help, `fatal` where it cannot, `open` for EventLogOpenError. */
export interface Failure {
  readonly kind: 'transient' | 'fatal' | 'open';
  readonly message: string;
}

/** SQLite's primary result codes (sqlite.org/rescode.html) that the world causes, not a mistake of ours, with what to tell the operator. */
const TRANSIENT = new Map([
  [5, 'another process holds the event log locked'],
  [6, 'another process holds the event log locked'],
  [7, 'the event log ran out of memory'],
  [8, 'the event log may not be written'],
  [10, 'the disk under the event log answers with errors'],
  [13, 'the disk under the event log is full'],
  [14, 'the file of the event log cannot be opened'],
  [15, 'another process holds the event log locked'],
]);
const DAMAGED = new Set([11, 26]);

/** Sorts any error by what the caller can do about it. Never throws. */
export function failureOf(error: unknown): Failure {
  if (error instanceof EventLogOpenError) return { kind: 'open', message: error.message };
  const detail = error instanceof Error ? error.message : String(error);
  const code = primaryCodeOf(error);
  if (code === undefined) return { kind: 'fatal', message: detail };
  if (DAMAGED.has(code)) return { kind: 'fatal', message: `the event log's database is damaged (${detail}); move it away to start afresh` };
  const meaning = TRANSIENT.get(code);
  return meaning === undefined ? { kind: 'fatal', message: detail } : { kind: 'transient', message: `${meaning} (${detail})` };
}

/** True where the file is not a database, or a broken one, so that no waiting will mend it. */
export function isDamage(error: unknown): boolean {
  const code = primaryCodeOf(error);
  return code !== undefined && DAMAGED.has(code);
}

/** The error that callers of the log see. */
export function errorOf({ kind, message }: Failure): Error {
  if (kind === 'open') return new EventLogOpenError(message);
  return kind === 'fatal' ? new EventLogError(message) : new Error(message);
}

/** Runs `work` and rethrows what SQLite throws as an error that callers of the log understand. */
export function translated<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof EventLogError ? error : errorOf(failureOf(error));
  }
}

function primaryCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}
