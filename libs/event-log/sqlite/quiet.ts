import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

/** Another process may be about to commit. */
const BUSY_MS = 500;

/**
 * Opens a database that exists so that no file comes or goes by the reading: a reader of a database that nobody has open would leave the files
 * of its write-ahead log behind, so that one is read as a file that does not change. Undefined where a process died and left only a part of
 * these files, so that they would have to be made. Throws what SQLite throws.
 */
export function openQuietly(path: string): DatabaseSync | undefined {
  if (!existsSync(`${path}-wal`)) {
    const url = pathToFileURL(path);
    url.searchParams.set('immutable', '1');
    return new DatabaseSync(url, { readOnly: true });
  }
  return existsSync(`${path}-shm`) ? new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS }) : undefined;
}

/** True if a living process holds the lock of this file; see `Presence` and `SpoolFolder`. Leaves it as it is. */
export function isHeld(lockFile: string): boolean {
  if (!existsSync(lockFile)) return false;
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(lockFile, { readOnly: true, timeout: 0 });
    db.prepare('SELECT 1 FROM sqlite_master').get();
    return false;
  } catch (error) {
    return (error as { errcode?: number }).errcode === 5;
  } finally {
    db?.close();
  }
}
