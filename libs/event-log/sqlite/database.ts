import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EventLogOpenError } from '../event-log.js';
import { failureOf } from './failure.js';
import { SCHEMA, SCHEMA_VERSION } from './schema.js';

/** The database's file inside the log's folder. */
export const DATABASE_FILE = 'event-log.sqlite';

/** Records come in batches of some 10 KB and more: fewer and larger pages make for fewer system calls. A database keeps the size that it was made with. */
const PAGE_BYTES = 16_384;
/** The write-ahead log is carried over into the database whenever it has come to so many bytes. */
const CHECKPOINT_BYTES = 4 * 1_048_576;
/** After a burst the write-ahead log's file is cut back to this size, in bytes. */
const WAL_BYTES_KEPT = 16 * 1_048_576;

/**
 * Connects to the database at `path` (`:memory:` for one without a file). A lock of another process is waited for, blocking, for `busyMs`.
 * WAL lets readers work beside a writer; synchronous=FULL makes a committed transaction survive a power cut.
 */
export function connect(path: string, busyMs: number): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: busyMs });
  try {
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA auto_vacuum = INCREMENTAL`); // Only heeded while the database is empty.
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${WAL_BYTES_KEPT}`);
    const pageBytes = db.prepare('PRAGMA page_size').get()!['page_size'] as number;
    db.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_BYTES / pageBytes}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Creates the folder, the database and its tables as far as they are missing. Throws EventLogOpenError with one clear line. Blocks. */
export function openFolder(folder: string, busyMs: number): DatabaseSync {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new EventLogOpenError(`the event log needs a folder that it may write, and ${folder} is none: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  const path = join(folder, DATABASE_FILE);
  let db: DatabaseSync | undefined;
  try {
    db = connect(path, busyMs);
    createSchema(db, path);
    return db;
  } catch (error) {
    db?.close();
    if (error instanceof EventLogOpenError) throw error;
    throw new EventLogOpenError(`the event log in ${path} cannot be opened: ${failureOf(error).message}`, { cause: error });
  }
}

export function openMemory(): DatabaseSync {
  const db = connect(':memory:', 0);
  createSchema(db, ':memory:');
  return db;
}

/** Runs `work` in one write transaction: all of it is stored, or nothing. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function createSchema(db: DatabaseSync, path: string): void {
  if (versionOf(db) === SCHEMA_VERSION) return;
  inTransaction(db, () => {
    const version = versionOf(db);
    if (version === SCHEMA_VERSION) return;
    if (version !== 0 || hasTables(db))
      throw new EventLogOpenError(`${path} was not written by this version; move it away to start afresh`);
    db.exec(SCHEMA);
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  });
}

function versionOf(db: DatabaseSync): unknown {
  return db.prepare('PRAGMA user_version').get()?.['user_version'];
}

function hasTables(db: DatabaseSync): boolean {
  return db.prepare('SELECT 1 FROM sqlite_master').get() !== undefined;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/^(\w+): (.*?)(, .*)?$/, '$2 ($1)') : String(error);
}
