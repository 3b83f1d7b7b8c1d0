import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Notebook, numbered, readAll, record, until } from '../contract/support.contract.js';
import { EventLogError, EventLogOpenError } from '../event-log.js';
import { DATABASE_FILE } from './database.js';
import { SqliteEventLog, type SqliteEventLogOptions } from './sqlite-event-log.js';

const HOOK = new URL('../../../tools/run-sources.js', import.meta.url).href;
const CHILD = fileURLToPath(new URL('log-child.fixture.ts', import.meta.url));

let folder: string;
let undo: (() => Promise<unknown> | void)[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'event-log-'));
  undo = [() => rmSync(folder, { recursive: true })];
});
afterEach(async () => {
  for (const step of undo.toReversed()) await step();
});

function open(options: SqliteEventLogOptions = {}): SqliteEventLog {
  const log = SqliteEventLog.inFolder(folder, options);
  undo.push(() => log.close());
  return log;
}

async function openWithTopic(options: SqliteEventLogOptions = {}): Promise<SqliteEventLog> {
  const log = open(options);
  await log.ensureTopics([{ name: 't', partitions: 2, policy: 'delete' }]);
  return log;
}

interface Child {
  readonly lines: string[];
  readonly process: ChildProcessWithoutNullStreams;
  /** Ends it the gentle way; resolves with its exit code. */
  end(): Promise<number | null>;
  kill(): Promise<void>;
}

function child(role: 'write' | 'forget' | 'consume' | 'lock', name = role as string): Child {
  const started = spawn(process.execPath, ['--import', HOOK, CHILD, role, folder, name]);
  const exited = once(started, 'exit');
  const lines: string[] = [];
  createInterface(started.stdout).on('line', (line) => lines.push(line));
  createInterface(started.stderr).on('line', (line) => lines.push(`stderr ${line}`));
  const kill = async () => {
    started.kill('SIGKILL');
    await exited;
  };
  undo.push(kill);
  const end = async () => {
    started.stdin.end();
    const [code] = (await exited) as [number | null];
    return code;
  };
  return { lines, process: started, end, kill };
}

/** The error with which opening the folder is refused. */
function refusal(path = folder): EventLogOpenError {
  let opened: SqliteEventLog;
  try {
    opened = SqliteEventLog.inFolder(path);
  } catch (error) {
    if (error instanceof EventLogOpenError) return error;
    throw error;
  }
  undo.push(() => opened.close());
  throw new Error('it was opened');
}

describe('a log in a folder', () => {
  it('keeps everything when it is opened again; offsets go on', async () => {
    const first = await openWithTopic();
    await first.append('t', numbered(1, 3, 'a'));
    await first.close();
    expect(readdirSync(folder)).toEqual([DATABASE_FILE]);
    const second = await openWithTopic();
    await second.append('t', numbered(1, 1, 'b'));
    expect((await readAll(second, 't')).map(({ key, offset }) => [key, offset])).toEqual([
      ['a0', 0n],
      ['a1', 1n],
      ['a2', 2n],
      ['b0', 3n],
    ]);
  });

  it('never lets time go backwards in a partition, even when the clock does', async () => {
    let now = 2_000_000;
    const log = await openWithTopic({ now: () => now });
    await log.append('t', [record(0, 'a')]);
    now = 1_000_000;
    await log.append('t', [record(0, 'b'), record(1, 'c')]);
    const stamps = Object.fromEntries((await readAll(log, 't')).map(({ key, timestampMs }) => [key, timestampMs]));
    expect(stamps).toEqual({ a: 2_000_000, b: 2_000_000, c: 1_000_000 });
  });

  it('loses no resolved append when its process is killed', async () => {
    await (await openWithTopic()).close();
    for (let round = 0; round < 3; round += 1) {
      const writer = child('write', `round${round}`);
      await until('the child has stored some', () => writer.lines.length > 50 + round * 70);
      await writer.kill();
      const log = SqliteEventLog.inFolder(folder);
      const stored = (await readAll(log, 't')).map(({ key }) => key).filter((key) => key.startsWith(`round${round}-`));
      await log.close();
      const acknowledged = writer.lines.map((line) => line.replace('stored ', ''));
      expect(acknowledged.filter((key) => !stored.includes(key))).toEqual([]);
      expect(new Set(stored).size).toBe(stored.length);
    }
  });
});

describe('closing', () => {
  it('leaves nothing behind, even while a member is joining', async () => {
    const log = await openWithTopic();
    const member = new Notebook();
    const joining = log.consume('t', 'g', member);
    await log.close();
    await joining;
    expect(readdirSync(folder)).toEqual([DATABASE_FILE]);
    expect(member.owned.size).toBe(0);
    const db = new DatabaseSync(join(folder, DATABASE_FILE));
    expect(db.prepare('SELECT * FROM members').all()).toEqual([]);
    db.close();
  });

  it('that was forgotten does not keep a process alive', async () => {
    await (await openWithTopic()).close();
    const forgetful = child('forget');
    await until('it has stored', () => forgetful.lines.includes('stored'));
    expect(await forgetful.end()).toBe(0);
  });
});

describe('two processes on one folder', () => {
  it('a reader sees what another process writes, and the writer ends by itself', async () => {
    const log = await openWithTopic();
    const reader = new Notebook();
    await log.consume('t', 'g', reader);
    const followed: string[] = [];
    await log.follow('t', 'end', { records: (_, batch) => void followed.push(...batch.map(({ key }) => key)) });
    const writer = child('write', 'w');
    await until('records have arrived', () => followed.length > 20 && reader.records.length > 20);
    expect(await writer.end()).toBe(0);
    await until('all have arrived', () => followed.length === writer.lines.length && reader.records.length === writer.lines.length);
    expect(new Set(reader.keys()).size).toBe(writer.lines.length);
  });

  it('two writers take turns, and offsets stay contiguous', async () => {
    const log = await openWithTopic();
    const writer = child('write', 'theirs');
    await until('the child writes', () => writer.lines.length > 0);
    for (let index = 0; index < 150; index += 1) await log.append('t', [record(index % 2, `ours-${index}`)]);
    expect(await writer.end()).toBe(0);
    const stored = await readAll(log, 't');
    expect(stored).toHaveLength(150 + writer.lines.length);
    for (const partition of [0, 1]) {
      const here = stored.filter((one) => one.partition === partition);
      expect(here.map(({ offset }) => Number(offset))).toEqual(here.map((_, index) => index));
      const numbers = here.filter(({ key }) => key.startsWith('theirs')).map(({ key }) => Number(key.split('-')[1]));
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
  });

  it('a second writer waits for the lock, without holding up the event loop, and then succeeds', async () => {
    const log = await openWithTopic();
    const locker = child('lock');
    await until('the child holds the lock', () => locker.lines.includes('locked'));
    let settled = false;
    const append = log.append('t', [record(0, 'late')]).finally(() => (settled = true));
    for (let tick = 0; tick < 20; tick += 1) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(settled).toBe(false);
    expect(await readAll(log, 't')).toEqual([]);
    await locker.end();
    await append;
    expect(await readAll(log, 't')).toHaveLength(1);
  });

  it('a lock that is held for too long fails the append for now, not for good', async () => {
    const log = await openWithTopic({ busyMs: 100 });
    const locker = child('lock');
    await until('the child holds the lock', () => locker.lines.includes('locked'));
    const failure: unknown = await log.append('t', [record(0, 'a')]).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(failure).not.toBeInstanceOf(EventLogError);
    expect(String(failure)).toContain('another process holds the event log locked');
    expect(log.connected()).toBe(false);
    await locker.end();
    await log.append('t', [record(0, 'b')]);
    expect(log.connected()).toBe(true);
    expect((await readAll(log, 't')).map(({ key }) => key)).toEqual(['b']);
  });

  it('share the partitions of a group; those of a killed process are free again', async () => {
    const log = await openWithTopic();
    const ours = new Notebook(() => 'end');
    await log.consume('t', 'g', ours);
    await until('we own both', () => ours.owned.size === 2);
    const theirs = child('consume');
    await until('they own one', () => theirs.lines.some((line) => line.startsWith('assigned')));
    expect(ours.calls.at(-1)).toBe('revoked 1');
    expect(theirs.lines.filter((line) => line.startsWith('assigned'))).toEqual(['assigned 1']);
    await log.append('t', [record(0, 'for us'), record(1, 'for them')]);
    await until('they have read', () => theirs.lines.includes('read for them'));
    await until('we have read', () => ours.keys().length > 0);
    expect(ours.keys()).toEqual(['for us']);
    await theirs.kill();
    await until('we own both again', () => ours.owned.size === 2);
    const restarted = child('consume');
    await until('they are back', () => restarted.lines.some((line) => line.startsWith('assigned')));
    expect(await restarted.end()).toBe(0);
    await until('we own both at last', () => ours.owned.size === 2);
    await log.close();
    expect(readdirSync(folder)).toEqual([DATABASE_FILE]);
  });

  it('a process that comes back after SIGKILL has its partitions at once', async () => {
    await (await openWithTopic()).close();
    const killed = child('consume');
    await until('it owns both', () => killed.lines.filter((line) => line.startsWith('assigned')).length === 2);
    await killed.kill();
    expect(readdirSync(folder).filter((name) => name.endsWith('.lock'))).toHaveLength(1);
    const log = open();
    const heir = new Notebook();
    await log.consume('t', 'g', heir);
    await until('the heir owns both', () => heir.owned.size === 2);
    expect(heir.calls).toEqual(['assigned 0', 'assigned 1']);
  });
});

describe('a folder that cannot be used', () => {
  it('is refused in one clear line: no folder', () => {
    writeFileSync(join(folder, 'file'), '');
    const error = refusal(join(folder, 'file', 'data'));
    expect(error.message).toBe(
      `the event log needs a folder that it may write, and ${folder}/file/data is none: not a directory (ENOTDIR)`,
    );
    expect(error.exitCode).toBe(2);
  });

  it('is refused in one clear line: not a database', () => {
    writeFileSync(join(folder, DATABASE_FILE), 'x'.repeat(10_000));
    expect(refusal().message).toMatch(/^the event log in .*event-log\.sqlite cannot be opened: .*damaged.*$/);
    expect(readFileSync(join(folder, DATABASE_FILE), 'utf8')).toBe('x'.repeat(10_000));
  });

  it('is refused in one clear line: a database of another version, or of somebody else', () => {
    const path = join(folder, DATABASE_FILE);
    const db = new DatabaseSync(path);
    db.exec('CREATE TABLE theirs (a)');
    expect(refusal().message).toBe(`${path} was not written by this version; move it away to start afresh`);
    db.exec('PRAGMA user_version = 99');
    db.close();
    expect(refusal().message).toBe(`${path} was not written by this version; move it away to start afresh`);
  });

  it('is refused in one clear line: the database is a folder', () => {
    mkdirSync(join(folder, DATABASE_FILE));
    expect(refusal().message).toMatch(/cannot be opened: the file of the event log cannot be opened/);
  });

  it('damage found later ends readers with a clear error', async () => {
    const log = await openWithTopic();
    for (let round = 0; round < 10; round += 1) await log.append('t', [record(0, 'k', 'x'.repeat(50_000))]);
    await log.close();
    const path = join(folder, DATABASE_FILE);
    const bytes = readFileSync(path);
    const dataPages = bytes.indexOf('x'.repeat(50)) & ~4095;
    writeFileSync(path, bytes.fill(0xff, dataPages));
    const reopened = open();
    const following = await reopened.follow('t', 'beginning', { records: () => {} });
    const cause = await following.failed;
    expect(cause).toBeInstanceOf(EventLogError);
    expect(cause.message).toContain('damaged');
  });
});
