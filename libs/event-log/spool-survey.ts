import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { LOCK_FILE, TOPIC } from './spool-folder.js';
import { DATABASE_FILE } from './sqlite/database.js';
import { isDamage } from './sqlite/failure.js';
import { isHeld, openQuietly } from './sqlite/quiet.js';
import { loadTopic } from './sqlite/topic-tables.js';
import { extentOf } from './sqlite/writer.js';

export interface SpoolSurvey {
  readonly folder: string;
  /** `none` where nothing was ever spooled, `unclean` where its last gateway died and the next one mends it. */
  readonly database: 'none' | 'readable' | 'unclean' | 'damaged' | 'unreadable';
  /** True while a gateway has it. */
  readonly isTaken: boolean;
  /** What waits to be sent; some of it may have been sent already. */
  readonly events: number;
  readonly bytes: number;
}

/** Looks at the spool in `folder`, which need not be there. Creates and changes nothing. Blocks for some milliseconds. Never throws. */
export function surveySpool(folder: string): SpoolSurvey {
  const base = { folder: resolve(folder), isTaken: isHeld(join(folder, LOCK_FILE)), events: 0, bytes: 0 };
  const path = join(folder, DATABASE_FILE);
  if (!existsSync(path)) return { ...base, database: 'none' };
  let db: DatabaseSync | undefined;
  try {
    db = openQuietly(path);
    if (!db) return { ...base, database: 'unclean' };
    const topic = loadTopic(db, TOPIC);
    if (!topic) return { ...base, database: 'readable' };
    const { oldest, end, bytes } = extentOf(db, topic.partitionIds[0]!);
    return { ...base, database: 'readable', events: end - oldest, bytes };
  } catch (error) {
    return { ...base, database: isDamage(error) ? 'damaged' : 'unreadable' };
  } finally {
    db?.close();
  }
}
