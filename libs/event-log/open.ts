import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EventLogOpenError, type EventLog } from './event-log.js';
import { SqliteEventLog } from './sqlite/sqlite-event-log.js';

export interface EventLogOptions {
  /** The clock that stamps records and ages them, in Unix ms. Only the embedded log has one; a broker has its own. */
  readonly now?: () => number;
}

/**
 * Opens the log at `url`: `file:FOLDER` (a path, relative to the working directory, or a file URL) or `memory:`.
 * Rejects with EventLogOpenError, whose message is one line for the operator.
 */
export async function openEventLog(url: string, options: EventLogOptions = {}): Promise<EventLog> {
  if (url === 'memory:') return SqliteEventLog.inMemory(options);
  if (url.startsWith('file:') && url !== 'file:') return SqliteEventLog.inFolder(folderOf(url), options);
  // The address is not repeated: it may hold a password.
  if (url.startsWith('kafka:')) throw new EventLogOpenError('kafka:// is not built in yet; use file:FOLDER or memory:');
  throw new EventLogOpenError('an event log is file:FOLDER, memory: or kafka://host:port,…');
}

function folderOf(url: string): string {
  return url.startsWith('file://') ? fileURLToPath(url) : resolve(url.slice('file:'.length));
}
