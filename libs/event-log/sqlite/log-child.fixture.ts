import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { LogRecord } from '../event-log.js';
import { openEventLog } from '../open.js';
import { DATABASE_FILE } from './database.js';

/*
 * A process of its own on the log in a folder, for sqlite-files.spec.ts: `log-child.fixture.ts ROLE FOLDER NAME`. It prints what happened, one line each,
 * and ends by itself when its standard input ends.
 */
const [role = '', folder = '', name = ''] = process.argv.slice(2);
const say = (line: string) => process.stdout.write(`${line}\n`);
const inputEnd = new Promise<void>((resolve) => {
  createInterface(process.stdin).on('close', () => resolve());
});

const roles: Record<string, () => Promise<void>> = {
  /** Appends records `name-0`, `name-1` … as fast as it can, and says each once it is stored. */
  async write() {
    const log = await openEventLog(`file:${folder}`);
    const stop = new AbortController();
    void inputEnd.then(() => stop.abort());
    for (let index = 0; !stop.signal.aborted; index += 1) {
      await log.append('t', [{ partition: index % 2, key: `${name}-${index}`, value: Buffer.alloc(400, index % 251) }]);
      say(`stored ${name}-${index}`);
    }
    await log.close();
  },

  /** Forgets to close the log. */
  async forget() {
    const log = await openEventLog(`file:${folder}`);
    await log.append('t', [{ partition: 0, key: name, value: null }]);
    say('stored');
    await inputEnd;
  },

  async consume() {
    const log = await openEventLog(`file:${folder}`);
    await log.consume('t', 'g', {
      assigned: async (partition) => {
        say(`assigned ${partition}`);
        return 'end';
      },
      batch: async (_, records: readonly LogRecord[]) => records.forEach(({ key }) => say(`read ${key}`)),
      revoked: async (partition) => {
        say(`revoked ${partition}`);
      },
    });
    say('joined');
    await inputEnd;
    await log.close();
  },

  /** Holds the database's write lock. */
  async lock() {
    const db = new DatabaseSync(join(folder, DATABASE_FILE));
    db.exec('BEGIN IMMEDIATE');
    say('locked');
    await inputEnd;
    db.close();
  },
};

await roles[role]!();
