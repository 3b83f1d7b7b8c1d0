import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { topicsOf } from '#libs/contracts';
import { openEventLog, Spool } from '#libs/event-log';
import { describe, expect, it, onTestFinished } from 'vitest';
import { contentsOf, NO_KAFKA, testFolder, visit } from './doctor.fixture.js';

/** A spool is for when there are brokers. */
function env(folder: string) {
  return { EVENT_LOG_URL: NO_KAFKA, SPOOL_DIR: folder };
}

describe('the doctor at the embedded log', () => {
  it('reads it while it is in use and while it is not, and changes nothing', async () => {
    const folder = testFolder();
    const log = await openEventLog(`file:${folder}`);
    onTestFinished(() => log.close());
    await log.ensureTopics(Object.values(topicsOf()));
    const inUse = await visit({ EVENT_LOG_URL: `file:${folder}` });
    expect(inUse.code).toBe(0);
    expect(inUse.of('topics')).toEqual([expect.stringMatching(/^ok partitions: inferometer\.requests 6, .*as they have to be$/)]);
    await log.close();
    const before = contentsOf(folder);
    const atRest = await visit({ EVENT_LOG_URL: `file:${folder}` });
    expect(atRest.of('event log')[0]).toBe(`ok ${folder}: readable, no aggregator reads it now`);
    expect(atRest.of('topics')).toEqual(inUse.of('topics'));
    expect(contentsOf(folder)).toEqual(before);
  });

  it('says who reads from it, what is wrong with a topic, and that the clock was set back', async () => {
    const folder = testFolder();
    const log = await openEventLog(`file:${folder}`, { now: () => Date.now() + 3_600_000 });
    onTestFinished(() => log.close());
    const { requests } = topicsOf();
    await log.ensureTopics([{ ...requests, policy: 'compact' }]);
    await log.append(requests.name, [{ partition: 0, key: 'k', value: new Uint8Array(1) }]);
    await log.consume(requests.name, 'g', { assigned: async () => 'end', batch: async () => {}, revoked: async () => {} });
    const found = await visit({ EVENT_LOG_URL: `file:${folder}` });
    expect(found.code).toBe(1);
    expect(found.of('event log')[0]).toBe(`ok ${folder}: readable, in use: 1 reader`);
    expect(found.of('topics')[0]).toMatch(/^fail topic inferometer\.requests exists with policy compact, but delete is needed/);
    expect(found.of('clock')).toEqual([
      expect.stringMatching(/^warn this clock was set back: the log’s newest record is 3\d{3}\.\d s ahead/),
    ]);
  });

  it('says that it is damaged, of another version, or in the place of a file', async () => {
    const [damaged, foreign, file] = [testFolder(), testFolder(), join(testFolder(), 'file')];
    writeFileSync(join(damaged, 'event-log.sqlite'), 'no database at all, but long enough to be read as a header of one.'.repeat(20));
    writeFileSync(join(foreign, 'event-log.sqlite'), '');
    writeFileSync(file, '');
    expect((await visit({ EVENT_LOG_URL: `file:${damaged}` })).of('event log')[0]).toMatch(/^fail .*the log is damaged/);
    expect((await visit({ EVENT_LOG_URL: `file:${foreign}` })).of('event log')[0]).toMatch(/^fail .*not written by this version/);
    for (const url of [`file:${file}`, `file:${file}/deeper`]) {
      expect((await visit({ EVENT_LOG_URL: url })).of('event log')).toEqual([
        expect.stringMatching(/^fail .*a file is in the place of a folder$/),
      ]);
    }
  });
});

describe('the doctor at the spool', () => {
  it('says what waits there, and whether a gateway has it', async () => {
    const folder = join(testFolder(), 'spool');
    expect((await visit(env(folder))).of('spool')[0]).toBe(`ok ${folder}: will be made at the first start`);
    const spool = Spool.inFolder(folder, { maxBytes: 1_000_000 });
    onTestFinished(() => spool.close());
    await spool.append([0, 1, 2].map((at) => ({ partition: 0, key: `k${at}`, value: new Uint8Array(100) })));
    expect((await visit(env(folder))).of('spool')[0]).toMatch(/^ok .*: in use by a gateway, 3 events in \S+ bytes wait to be sent$/);
    await spool.close();
    const before = contentsOf(folder);
    expect((await visit(env(folder))).of('spool')[0]).toMatch(
      /^warn .*: 3 events in \S+ bytes wait to be sent, from a gateway that has ended$/,
    );
    expect(contentsOf(folder)).toEqual(before);
  });

  it('says that it cannot be made, and that its disk is too small', async () => {
    const folder = testFolder();
    writeFileSync(join(folder, 'file'), '');
    expect((await visit(env(join(folder, 'file')))).of('spool')).toEqual([
      expect.stringMatching(/^fail .*a file is in the place of a folder$/),
    ]);
    mkdirSync(join(folder, 'dir'));
    const vast = await visit({ ...env(join(folder, 'dir')), SPOOL_MAX_BYTES: String(2 ** 50) });
    expect(vast.of('spool').at(-1)).toMatch(/^warn only .* free for the 1024 TiB that it may still take$/);
  });
});
