import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from './contract/support.contract.js';
import { EventLogOpenError, MAX_RECORD_BYTES, type OutgoingRecord } from './event-log.js';
import { SpoolMemory } from './spool.fixture.js';
import { Spool } from './spool.js';
import { DATABASE_FILE } from './sqlite/database.js';
import type { WriterHost } from './sqlite/writer-host.js';

const record = (index: number, bytes = 20): OutgoingRecord => ({
  partition: index % 12,
  key: `k/${index}`,
  value: Buffer.from(String(index).padEnd(bytes)),
});
const records = (from: number, count: number, bytes?: number) => Array.from({ length: count }, (_, index) => record(from + index, bytes));
const numbersOf = (found: readonly OutgoingRecord[]) => found.map(({ value }) => Number(Buffer.from(value!).toString()));
const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);
/** Permissions and full disks do not stop root. */
const isRoot = process.getuid?.() === 0;

let folder: string;
let open: Spool[];
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spool-'));
  open = [];
  said = [];
});
afterEach(async () => {
  await Promise.all(open.map((spool) => spool.close()));
  rmSync(folder, { recursive: true, force: true });
});

const say = (text: string): void => void said.push(text);

function spoolIn(where = folder, maxBytes = 100_000_000): Spool {
  const spool = Spool.inFolder(where, { maxBytes, retryMs: 50, onProblem: say, onMended: say });
  open.push(spool);
  return spool;
}

/** Reads and removes everything, in order. */
async function drained(spool: Spool, batch = 1000): Promise<number[]> {
  const found: number[] = [];
  while (spool.events > 0) {
    const head = await spool.peek(batch);
    found.push(...numbersOf(head!.records));
    spool.remove(head!.next);
  }
  return found;
}

describe('a spool in a folder', () => {
  it('gives back what it was given, in order, partition and key included, and holds no more of it', async () => {
    const spool = spoolIn(join(folder, 'deep', 'down'));
    await spool.append(records(0, 700));
    await spool.append(records(700, 1));
    expect(spool.events).toBe(701);
    expect(spool.bytes).toBeGreaterThan(701 * 20);
    const head = await spool.peek(1000);
    expect(head!.records.map(({ partition, key, value }) => ({ partition, key, value: Buffer.from(value!).toString() }))).toEqual(
      records(0, 701).map(({ partition, key, value }) => ({ partition, key, value: Buffer.from(value!).toString() })),
    );
    expect(await drained(spool)).toEqual(range(0, 701));
    expect(spool.events).toBe(0);
    await until('the disk holds nothing any more', () => spool.bytes === 0);
    expect(await spool.peek(1000)).toBeUndefined();
    expect(said).toEqual([]);
  });

  it('keeps what was not removed over a restart, and what was removed in the middle of a batch is at most sent again', async () => {
    const first = spoolIn();
    await first.append(records(0, 1000));
    const head = await first.peek(1000);
    first.remove({ ...head!.next, at: head!.records[600]!.at });
    expect(first.events).toBe(400);
    expect(numbersOf((await first.peek(1000))!.records)).toEqual(range(600, 400));
    await first.close();
    const second = spoolIn();
    const found = await drained(second);
    expect(found.slice(-400)).toEqual(range(600, 400));
    expect(found.length).toBeLessThanOrEqual(400 + 250); // Whole frames are deleted.
  });

  it('takes batches up to its limit, whole, and takes again when there is room', async () => {
    const spool = spoolIn(folder, 10_000);
    const fits: boolean[] = [];
    for (let batch = 0; batch < 10; batch += 1) fits.push((await spool.append(records(batch * 50, 50))) !== undefined);
    expect(fits).toEqual(range(0, 10).map((batch) => batch < fits.indexOf(false)));
    expect(spool.bytes).toBeLessThanOrEqual(10_000);
    const kept = spool.events;
    expect(kept).toBeGreaterThan(100);
    expect(await drained(spool)).toEqual(range(0, kept));
    await until('there is room again', () => spool.bytes === 0);
    expect(await spool.append(records(0, 50))).toBeDefined();
  });

  it('gives the disk back when it is empty, however many outages there are', async () => {
    const spool = spoolIn();
    const sizes: number[] = [];
    for (let outage = 0; outage < 3; outage += 1) {
      for (let batch = 0; batch < 40; batch += 1) await spool.append(records(batch * 1000, 1000, 480));
      sizes.push(sizeOf(folder));
      expect(await drained(spool)).toEqual(range(0, 40_000));
      await until('the disk holds nothing any more', () => spool.bytes === 0 && sizeOf(folder) < 27_000_000);
    }
    expect(Math.max(...sizes)).toBeLessThan(60_000_000);
  });

  it('belongs to one process: a second one is refused in a clear line, until the first is gone', async () => {
    const first = spoolIn();
    await first.append(records(0, 3));
    expect(() => spoolIn()).toThrow(EventLogOpenError);
    expect(() => spoolIn()).toThrow(/spool in .* is in use by another process; give each gateway a SPOOL_DIR of its own/);
    await first.close();
    expect(await drained(spoolIn())).toEqual([0, 1, 2]);
  });

  it('puts a file that is no database out of the way, says so, and goes on', async () => {
    writeFileSync(join(folder, DATABASE_FILE), 'not a database, but long enough to be taken for one '.repeat(200));
    const spool = spoolIn();
    expect(said).toEqual([expect.stringMatching(/^the spool is damaged; what it held is lost, and lies in .*damaged-spool\.sqlite$/)]);
    expect(existsSync(join(folder, 'damaged-spool.sqlite'))).toBe(true);
    await spool.append(records(0, 3));
    expect(await drained(spool)).toEqual([0, 1, 2]);
  });

  it('that is damaged while it is in use is put out of the way, its events are counted, and it goes on', async () => {
    const spool = spoolIn();
    for (let batch = 0; batch < 20; batch += 1) await spool.append(records(batch * 1000, 1000, 480));
    await spool.close();
    const path = join(folder, DATABASE_FILE);
    const bytes = readFileSync(path);
    bytes.fill(0x5a, 400_000, 440_000); // In the middle of the first records.
    writeFileSync(path, bytes);
    const again = spoolIn();
    const held = again.events;
    while (again.events > 0) {
      const head = await again.peek(1000);
      if (head) again.remove(head.next);
    }
    await until('it was said', () => said.length > 0);
    expect(said[0]).toMatch(/the spool is damaged/);
    expect(held).toBeGreaterThan(0);
    expect(again.takeLost()).toBeGreaterThan(0);
    await until('it can be used again', () => again.revive());
    await again.append(records(0, 3));
    expect(await drained(again)).toEqual([0, 1, 2]);
  });

  it('counts records whose bytes were mangled, and gives the others', async () => {
    const spool = spoolIn();
    await spool.append(records(0, 250));
    await spool.append(records(250, 250));
    await spool.append(records(500, 10));
    await spool.close();
    const db = new DatabaseSync(join(folder, DATABASE_FILE));
    db.exec('UPDATE frames SET data = randomblob(40) WHERE id = 2; UPDATE frames SET data = zeroblob(40) WHERE id = 3');
    db.close();
    const again = spoolIn();
    const head = await again.peek(1000);
    expect(numbersOf(head!.records)).toEqual(range(0, 250));
    expect(head!.unreadable).toBe(260);
    again.remove(head!.next);
    expect(again.events).toBe(0);
  });

  it('in a file where a folder should be waits, says so once, and works when that is mended', async () => {
    const place = join(folder, 'spool');
    writeFileSync(place, '');
    const spool = spoolIn(place);
    expect([spool.events, await spool.append(records(0, 1)), await spool.peek(1)]).toEqual([0, undefined, undefined]);
    expect(said).toEqual([expect.stringMatching(/^the spool cannot be used, so events wait in memory: .* a folder that it may write/)]);
    rmSync(place);
    await until('it works', async () => (await spool.append(records(7, 1))) !== undefined);
    expect(said.slice(1)).toEqual(['the spool works again']);
    expect(await drained(spool)).toEqual([7]);
  });

  it.skipIf(isRoot)('in a folder that may not be written waits', async () => {
    chmodSync(folder, 0o555);
    const spool = spoolIn();
    expect(await spool.append(records(0, 1))).toBeUndefined();
    expect(said).toHaveLength(1);
    chmodSync(folder, 0o755);
  });

  it('on a disk that is full takes nothing, says so once, still gives what it holds, and takes again when there is room', async () => {
    const files = new SpoolMemory();
    const spool = Spool.on(files, {
      maxBytes: 1e9,
      retryMs: 50,
      onProblem: (text) => said.push(text),
      onMended: (text) => said.push(text),
    });
    await spool.append(records(0, 10));
    files.fill(true);
    expect(await spool.append(records(10, 1000, 2000))).toBeUndefined();
    expect(await spool.append(records(10, 1000, 2000))).toBeUndefined();
    expect(said).toEqual([expect.stringContaining('the disk under the event log is full')]);
    expect(numbersOf((await spool.peek(100))!.records)).toEqual(range(0, 10));
    files.fill(false);
    await until('it takes again', async () => (await spool.append(records(10, 5))) !== undefined);
    expect(said.slice(1)).toEqual(['the spool works again']);
    expect(await drained(spool)).toEqual(range(0, 15));
    await spool.close();
  });

  it('takes the largest record that a log takes', async () => {
    const spool = spoolIn();
    const largest = { partition: 123_456, key: 'k', value: Buffer.alloc(MAX_RECORD_BYTES - 1, 'x') };
    expect(await spool.append([largest])).toBeDefined();
    expect((await spool.peek(1))!.records).toMatchObject([{ partition: 123_456, key: 'k' }]);
  });

  it('counts its bytes exactly while it is filled and emptied at the same time', async () => {
    const files = new SpoolMemory();
    const spool = Spool.on(files, { maxBytes: 1e9 });
    for (let round = 0; round < 3; round += 1) {
      await spool.append(records(0, 100));
      const head = await spool.peek(1000);
      files.answers.push('slow');
      const appending = spool.append(records(100, 100));
      await new Promise((resolve) => setImmediate(resolve));
      spool.remove(head!.next); // Deleted from the disk while the append is under way.
      await appending;
      expect(await drained(spool)).toEqual(range(100, 100));
    }
    await until('the disk holds nothing any more', () => spool.bytes === 0);
    expect(spool.events).toBe(0);
  });

  it('that is damaged and cannot be put aside says so, and is tried again', async () => {
    const files = new SpoolMemory();
    let isStuck = true;
    const spool = Spool.on(
      {
        open() {
          const store = files.open();
          const call: WriterHost['call'] = (name, args) =>
            name === 'readFrames' && isStuck ? Promise.resolve([] as never) : store.host.call(name, args);
          return { ...store, host: { call, close: async () => {} } };
        },
        setAside() {
          throw new Error('a read-only file system');
        },
        release() {},
      },
      { maxBytes: 1e9, retryMs: 20, onProblem: say, onMended: say },
    );
    await spool.append(records(0, 5));
    expect(await spool.peek(10)).toBeUndefined();
    await until('it was said', () => said.length > 0);
    expect([said, spool.takeLost()]).toEqual([['the spool cannot be used, so events wait in memory: a read-only file system'], 0]);
    isStuck = false;
    await until('it can be used again', () => spool.revive());
    expect(await drained(spool)).toEqual(range(0, 5));
    await spool.close();
  });

  it('answers nothing and throws nothing after it was closed', async () => {
    const spool = spoolIn();
    const place = await spool.append(records(0, 3));
    await spool.close();
    spool.remove({ ...place!, at: 3 });
    expect([await spool.append(records(0, 1)), await spool.peek(1), spool.events]).toEqual([undefined, undefined, 0]);
    await spool.close();
  });
});

function sizeOf(where: string): number {
  return readdirSync(where).reduce((sum, name) => sum + statSync(join(where, name)).size, 0);
}
