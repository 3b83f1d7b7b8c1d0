import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EventLogOpenError } from './event-log.js';
import { openEventLog } from './open.js';

describe('opening an event log', () => {
  it('by a path or a file URL makes the folder', async () => {
    const root = mkdtempSync(join(tmpdir(), 'event-log-'));
    for (const url of [`file:${root}/a/b`, pathToFileURL(join(root, 'c d')).href]) {
      const log = await openEventLog(url);
      await log.ensureTopics([{ name: 't', partitions: 1, policy: 'delete' }]);
      expect(log.connected()).toBe(true);
      await log.close();
    }
    expect(readdirSync(root)).toEqual(['a', 'c d']);
    rmSync(root, { recursive: true });
  });

  it('that must exist makes nothing where there is none', async () => {
    const root = mkdtempSync(join(tmpdir(), 'event-log-'));
    const url = `file:${root}/a`;
    await expect(openEventLog(url, { mustExist: true })).rejects.toThrow(new EventLogOpenError(`there is no event log in ${root}/a`));
    expect(readdirSync(root)).toEqual([]);
    await (await openEventLog(url)).close();
    await (await openEventLog(url, { mustExist: true })).close();
    rmSync(root, { recursive: true });
  });

  it('in memory starts empty every time', async () => {
    for (let round = 0; round < 2; round += 1) {
      const log = await openEventLog('memory:');
      await expect(log.partitions('t')).rejects.toThrow('topic t does not exist');
      await log.ensureTopics([{ name: 't', partitions: 1, policy: 'delete' }]);
      await log.close();
    }
  });

  it.each(['kafka://user:secret@host:9092', 'file:', 'redis://host', ''])('%s is refused in one line without secrets', async (url) => {
    const error: unknown = await openEventLog(url).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(EventLogOpenError);
    expect(String(error)).not.toMatch(/secret|\n/);
  });
});
