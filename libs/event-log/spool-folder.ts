import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EventLogOpenError } from './event-log.js';
import { DATABASE_FILE, inTransaction, openFolder } from './sqlite/database.js';
import { isDamage } from './sqlite/failure.js';
import { ThreadWriterHost } from './sqlite/thread-writer-host.js';
import { loadTopic, storeTopic } from './sqlite/topic-tables.js';
import type { WriterHost } from './sqlite/writer-host.js';
import { extentOf, type Extent } from './sqlite/writer.js';

/** An opened spool: one partition of one topic of an embedded log. */
export interface SpoolStore {
  readonly host: WriterHost;
  readonly partitionId: number;
  readonly extent: Extent;
}

/** The files of a spool. */
export interface SpoolFiles {
  /** Blocks for some milliseconds. Throws an error with one clear line; see `isDamaged`. */
  open(): SpoolStore;
  /** Puts a damaged spool out of the way, in place of the one before, and says where it lies. Throws if that cannot be done. */
  setAside(): string;
  /** Lets other processes have it. */
  release(): void;
}

/** The one topic of a spool. */
export const TOPIC = 'spool';
/** Held by the gateway that has the spool. */
export const LOCK_FILE = 'spool.lock';
const ASIDE_FILE = 'damaged-spool.sqlite';
/** Nobody else writes, but a copy that somebody makes for a backup may hold a lock for a moment. */
const BUSY_MS = 1_000;

/** A spool in a folder of its own. Its reading and writing are done in a thread of their own; only opening it blocks the caller. */
export class SpoolFolder implements SpoolFiles {
  private lock: DatabaseSync | undefined;

  private readonly folder: string;

  constructor(folder: string) {
    this.folder = resolve(folder);
  }

  open(): SpoolStore {
    this.takeLock();
    const db = openFolder(this.folder, BUSY_MS);
    try {
      const partitionId = partitionIn(db);
      const extent = extentOf(db, partitionId);
      const host = new ThreadWriterHost({ path: join(this.folder, DATABASE_FILE), busyMs: BUSY_MS });
      void host.call('extent', [partitionId]).catch(() => {}); // Starts the thread: the first append would have to wait 50 ms for that.
      return { host, partitionId, extent };
    } finally {
      db.close();
    }
  }

  setAside(): string {
    const path = join(this.folder, DATABASE_FILE);
    const aside = join(this.folder, ASIDE_FILE);
    for (const suffix of ['', '-wal', '-shm']) {
      rmSync(aside + suffix, { force: true });
      if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix); // Not every database has these files.
    }
    return aside;
  }

  release(): void {
    this.lock?.close();
    this.lock = undefined;
  }

  /** The kernel takes this lock away at any death of the process. Throws EventLogOpenError if another one holds it. */
  private takeLock(): void {
    if (this.lock) return;
    try {
      mkdirSync(this.folder, { recursive: true });
    } catch {
      return; // `openFolder` says it better.
    }
    let db: DatabaseSync | undefined;
    try {
      db = new DatabaseSync(join(this.folder, LOCK_FILE), { timeout: BUSY_MS });
      db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
      this.lock = db;
    } catch (error) {
      db?.close();
      if ((error as { errcode?: number }).errcode !== 5) return;
      throw new SpoolTakenError(`the spool in ${this.folder} is in use by another process; give each gateway a SPOOL_DIR of its own`);
    }
  }
}

/** Two processes were given one spool: a mistake that only the operator can mend. */
export class SpoolTakenError extends EventLogOpenError {}

/** True if the spool that threw this is damaged, so that it has to be put aside. */
export function isDamaged(error: unknown): boolean {
  return isDamage(error) || (error instanceof Error && isDamage(error.cause));
}

/** The row id of the spool's partition, which is made where it is missing. Blocks. */
export function partitionIn(db: DatabaseSync): number {
  if (!loadTopic(db, TOPIC)) inTransaction(db, () => storeTopic(db, { name: TOPIC, partitions: 1, policy: 'delete' }));
  return loadTopic(db, TOPIC)!.partitionIds[0]!;
}
