import type { MetricsDocument } from '#libs/contracts';
import type { Answer } from './answer.js';
import type { Problem } from './problem.js';

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 5_000;

/** What is known of the server so far. */
export interface Connection {
  readonly latest?: { readonly document: MetricsDocument; readonly receivedAtMs: number };
  /** Why the newest attempt failed; absent after a success. */
  readonly problem?: Problem;
  /** Failed attempts since the last success. */
  readonly failures: number;
}

export const NOT_CONNECTED: Connection = { failures: 0 };

/** The connection after one more answer. `nowMs` is of the clock that `layout` is given, too. */
export function afterAnswer(connection: Connection, answer: Answer, nowMs: number): Connection {
  if (answer.ok) return { latest: { document: answer.document, receivedAtMs: nowMs }, failures: 0 };
  return { ...connection, problem: answer.problem, failures: connection.failures + 1 };
}

/** How long to wait after `failures` failures in a row: doubling, not below the interval, and never above 5 s. */
export function retryDelayMs(failures: number, intervalMs: number): number {
  return Math.min(LAST_RETRY_MS, Math.max(intervalMs, FIRST_RETRY_MS * 2 ** (failures - 1)));
}
