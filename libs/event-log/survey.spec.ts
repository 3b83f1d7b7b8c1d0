import { randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { kafkaForTests } from '../../test/support/kafka.js';
import type { TopicSpec } from './event-log.js';
import { openEventLog } from './open.js';
import { surveySpool } from './spool-survey.js';
import { surveyEventLog } from './survey.js';

const SPEC: TopicSpec = { name: 't', partitions: 2, policy: 'delete', retentionMs: 60_000 };
const STORED = { name: 't', partitions: 2, policy: 'delete', retentionMs: 60_000, retentionBytes: undefined, clock: 'log' };

const kafka = await kafkaForTests();

function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'survey-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe('a look at the embedded log', () => {
  it('that is not there makes nothing', async () => {
    const folder = testFolder();
    const found = await surveyEventLog({ url: `file:${folder}/log` }, [SPEC]);
    expect(found).toEqual({
      kind: 'file',
      folder: `${folder}/log`,
      database: 'none',
      problem: undefined,
      readers: 0,
      topics: undefined,
      newestMs: undefined,
    });
    expect(surveySpool(join(folder, 'spool'))).toMatchObject({ database: 'none', isTaken: false, events: 0 });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('that was left by a process that died reads what it stored, and what is not whole it leaves to the next one', async () => {
    const [folder, left] = [testFolder(), testFolder()];
    const log = await openEventLog(`file:${folder}`);
    onTestFinished(() => log.close());
    await log.ensureTopics([SPEC]);
    cpSync(folder, left, { recursive: true }); // As a SIGKILL leaves it.
    const files = readdirSync(left);
    expect(files).toContain('event-log.sqlite-wal');
    expect(await surveyEventLog({ url: `file:${left}` }, [SPEC])).toMatchObject({
      database: 'readable',
      topics: [{ stored: STORED, fault: undefined }],
    });
    expect(readdirSync(left)).toEqual(files);
    rmSync(join(left, 'event-log.sqlite-shm')); // As a power cut may.
    expect(await surveyEventLog({ url: `file:${left}` }, [SPEC])).toMatchObject({ database: 'unclean', topics: undefined });
    expect(surveySpool(left)).toMatchObject({ database: 'unclean' });
    expect(readdirSync(left)).toEqual(files.filter((file) => !file.endsWith('-shm')));
  });

  it('says of a spool that is none', () => {
    const folder = testFolder();
    writeFileSync(join(folder, 'event-log.sqlite'), 'x'.repeat(4096));
    expect(surveySpool(folder)).toMatchObject({ database: 'damaged' });
  });

  it('in memory has nothing to look at', async () => {
    expect(await surveyEventLog({ url: 'memory:' }, [SPEC])).toEqual({ kind: 'memory' });
  });
});

describe.skipIf(!kafka)('a look at a cluster', () => {
  it('says of each topic what is stored, in how many copies, and what is wrong', async () => {
    const url = `kafka://${kafka!.brokers}`;
    const [name, missing] = [`survey.${randomUUID()}`, `survey.${randomUUID()}`];
    const log = await openEventLog(url);
    onTestFinished(() => log.close());
    await log.ensureTopics([{ ...SPEC, name }]);
    const found = await surveyEventLog({ url }, [
      { ...SPEC, name },
      { ...SPEC, name: missing },
      { ...SPEC, name, partitions: 3 },
    ]);
    expect(found).toMatchObject({ kind: 'kafka', named: [{ state: 'answers' }], nodes: [{ state: 'answers' }], problem: undefined });
    const stored = { ...STORED, name };
    expect(found).toMatchObject({
      topics: [
        { stored, fault: undefined, copies: 1, inSync: 1, leaderless: 0 },
        { stored: undefined, fault: undefined },
        { stored, fault: `topic ${name} exists with 2 partitions, but 3 are needed: add some` },
      ],
    });
    expect(await log.topics([missing])).toEqual([]);
  });
});
