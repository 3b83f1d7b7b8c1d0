import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { TopicSpec } from '../event-log.js';
import type { SurveyedTopic } from '../survey.js';
import { DATABASE_FILE } from './database.js';
import { failureOf, isDamage } from './failure.js';
import { isHeld, openQuietly } from './quiet.js';
import { SCHEMA_VERSION } from './schema.js';
import { storedTopicOf } from './sqlite-event-log.js';
import { fits, loadTopic } from './topic-tables.js';

/** How the database is: `none` where there is none yet, `unclean` where its last process died and the next one mends it. */
export type DatabaseState = 'none' | 'readable' | 'unclean' | 'damaged' | 'foreign' | 'unreadable';

export interface FolderSurvey {
  readonly kind: 'file';
  readonly folder: string;
  readonly database: DatabaseState;
  /** Why it cannot be read, one line. */
  readonly problem: string | undefined;
  /** Processes that read from it in a group now: aggregators, and whole systems in one process. */
  readonly readers: number;
  readonly topics: readonly SurveyedTopic[] | undefined;
  /** When the newest record was appended, by the clock of this machine at that time, in Unix ms. */
  readonly newestMs: number | undefined;
}

/** Looks at the log in `folder`, which need not be there. Creates and changes nothing. Blocks for some milliseconds. Never throws. */
export function surveyFolder(folder: string, specs: readonly TopicSpec[]): FolderSurvey {
  const path = join(folder, DATABASE_FILE);
  const base = { kind: 'file', folder, readers: readersIn(folder), problem: undefined, topics: undefined, newestMs: undefined } as const;
  if (!existsSync(path)) return { ...base, database: 'none' };
  let db: DatabaseSync | undefined;
  try {
    db = openQuietly(path);
    if (!db) return { ...base, database: 'unclean' };
    if (db.prepare('PRAGMA user_version').get()?.['user_version'] !== SCHEMA_VERSION) return { ...base, database: 'foreign' };
    return { ...base, database: 'readable', ...contentsOf(db, specs) };
  } catch (error) {
    return { ...base, database: isDamage(error) ? 'damaged' : 'unreadable', problem: failureOf(error).message };
  } finally {
    db?.close();
  }
}

function contentsOf(db: DatabaseSync, specs: readonly TopicSpec[]): Pick<FolderSurvey, 'topics' | 'newestMs'> {
  const newest = db.prepare('SELECT max(last_timestamp_ms) AS ms FROM partitions').get()?.['ms'];
  return { topics: specs.map((spec) => surveyedTopic(db, spec)), newestMs: typeof newest === 'number' && newest > 0 ? newest : undefined };
}

function surveyedTopic(db: DatabaseSync, spec: TopicSpec): SurveyedTopic {
  const topic = loadTopic(db, spec.name);
  if (!topic) return { spec, stored: undefined, fault: undefined };
  const stored = storedTopicOf(topic);
  try {
    fits(topic, spec);
    return { spec, stored, fault: undefined };
  } catch (error) {
    return { spec, stored, fault: error instanceof Error ? error.message : String(error) };
  }
}

function readersIn(folder: string): number {
  try {
    return readdirSync(folder).filter((file) => /^process-.*\.lock$/.test(file) && isHeld(join(folder, file))).length;
  } catch {
    return 0;
  }
}
