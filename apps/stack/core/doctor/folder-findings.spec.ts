import { describe, expect, it } from 'vitest';
import { lines } from './finding.fixture.js';
import { embeddedLogFindings, spoolFindings, type DatabaseFacts, type FolderFacts, type SpoolFacts } from './folder-findings.js';

const GIB = 2 ** 30;

function folder(more: Partial<FolderFacts> = {}): FolderFacts {
  return { folder: '/d', state: 'there', reason: undefined, freeBytes: 10 * GIB, ...more };
}

function log(more: Partial<DatabaseFacts> = {}): DatabaseFacts {
  return { database: 'readable', problem: undefined, readers: 0, ...more };
}

function spool(more: Partial<SpoolFacts> = {}): SpoolFacts {
  return { database: 'readable', isTaken: false, events: 0, bytes: 0, maxBytes: GIB, ...more };
}

describe('the embedded log', () => {
  it.each([
    ['none', 'absent', /^ok \/d: the folder and the log will be made/],
    ['none', 'there', /^ok \/d: the log will be made/],
    ['readable', 'there', /^ok \/d: readable, no aggregator reads it now$/],
    ['unclean', 'there', /^ok .*its last process died/],
    ['foreign', 'there', /^fail .*not written by this version → /],
    ['damaged', 'there', /^fail .*damaged → /],
    ['unreadable', 'there', /^fail .*cannot be read → /],
  ] as const)('%s in a folder that is %s', (database, state, line) => {
    expect(lines(embeddedLogFindings(folder({ state }), log({ database })))[0]).toMatch(line);
  });

  it('says who uses it, and why it cannot be read', () => {
    expect(lines(embeddedLogFindings(folder(), log({ readers: 2 })))[0]).toBe('ok /d: readable, in use: 2 readers');
    expect(lines(embeddedLogFindings(folder(), log({ database: 'damaged', problem: 'because' })))[0]).toContain('(because)');
  });

  it.each([
    ['EACCES', 'this user may not write there'],
    ['EROFS', 'that file system is read-only'],
    ['ENOTDIR', 'a file is in the place of a folder'],
    ['ELOOP', 'it cannot be made or written (ELOOP)'],
  ])('in a folder that is blocked by %s it is not looked at', (reason, words) => {
    expect(lines(embeddedLogFindings(folder({ state: 'blocked', reason }), log()))).toEqual([
      `fail /d: ${words} → let EVENT_LOG_URL name a folder that the user of this process may write`,
    ]);
  });

  it.each([
    [undefined, /^skip the free room/],
    [63 * 2 ** 20, /^fail only 63 MiB free on its disk → make room/],
    [64 * 2 ** 20, /^warn only 64 MiB free/],
    [GIB, /^ok 1 GiB free/],
  ])('with %s bytes free', (freeBytes, line) => {
    expect(lines(embeddedLogFindings(folder({ freeBytes }), log()))[1]).toMatch(line);
  });
});

describe('the spool', () => {
  const held = { events: 12, bytes: 4096 };

  it.each([
    [{ database: 'none' }, 'ok /d: empty'],
    [{}, 'ok /d: empty'],
    [{ database: 'unclean' }, 'ok /d: its last gateway died; the next one sends what it left'],
    [{ isTaken: true, ...held }, 'ok /d: in use by a gateway, 12 events in 4 KiB wait to be sent'],
    [{ isTaken: true, database: 'none' }, 'ok /d: in use by a gateway, empty'],
    [
      held,
      'warn /d: 12 events in 4 KiB wait to be sent, from a gateway that has ended → start a gateway with this SPOOL_DIR: it sends them first',
    ],
    [{ database: 'damaged' }, 'warn /d: the spool is damaged → the gateway puts it aside at its start; what it holds is lost'],
    [{ database: 'unreadable' }, 'fail /d: the spool cannot be read → give the user that runs the gateway the right to'],
    [{ maxBytes: 0 }, expect.stringMatching(/^warn SPOOL_MAX_BYTES is 0/)],
  ] as [Partial<SpoolFacts>, string][])('as it is found: %j', (facts, line) => {
    expect(lines(spoolFindings(folder(), spool(facts)))[0]).toEqual(line);
  });

  it.each([
    [GIB, 0, /^ok 1 GiB free for the 1 GiB/],
    [GIB - 1, 0, /^warn only 1024 MiB free for the 1 GiB/],
    [GIB / 2, GIB / 2, /^ok 512 MiB free for the 512 MiB/],
    [63 * 2 ** 20, 0, /^fail only 63 MiB free/],
    [0, GIB, /^ok 0 bytes free for the 0 bytes/],
    [undefined, 0, /^skip/],
  ])('on a disk with %s bytes free and %s taken already', (freeBytes, bytes, line) => {
    expect(lines(spoolFindings(folder({ freeBytes }), spool({ bytes }))).at(-1)).toMatch(line);
  });

  it('that cannot be made is a fault', () => {
    expect(lines(spoolFindings(folder({ state: 'blocked', reason: 'ENOTDIR' }), spool()))).toEqual([
      expect.stringMatching(/^fail \/d: a file is in the place of a folder → let SPOOL_DIR/),
    ]);
    expect(lines(spoolFindings(folder({ state: 'absent' }), spool({ database: 'none' })))[0]).toBe(
      'ok /d: will be made at the first start',
    );
  });
});
