import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventLogContract } from '../contract/event-log.contract.js';
import type { Subject } from '../contract/support.contract.js';
import { SqliteEventLog } from './sqlite-event-log.js';

function subjectOf(open: (now: () => number) => SqliteEventLog, tidy: () => void): Subject {
  let passedMs = 0;
  const log = open(() => Date.now() + passedMs);
  return {
    log,
    async passTime(ms) {
      passedMs += ms;
      await log.maintain();
    },
    async dispose() {
      await log.close();
      tidy();
    },
  };
}

eventLogContract('memory', async () =>
  subjectOf(
    (now) => SqliteEventLog.inMemory({ now }),
    () => {},
  ),
);

eventLogContract('file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'event-log-'));
  return subjectOf(
    (now) => SqliteEventLog.inFolder(join(folder, 'data'), { now }),
    () => rmSync(folder, { recursive: true }),
  );
});
