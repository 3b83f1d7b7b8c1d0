import { bytesText, counted } from './amounts.js';
import { fail, ok, skip, warn, type Finding } from './finding.js';

/** A folder that a process writes to, or would make. */
export interface FolderFacts {
  readonly folder: string;
  /** `absent`: it can be made. `blocked`: it cannot be made or written. */
  readonly state: 'there' | 'absent' | 'blocked';
  /** Why it is blocked: an error code of the system. */
  readonly reason: string | undefined;
  /** On the disk that it is on, or would be on; undefined where that is not known. */
  readonly freeBytes: number | undefined;
}

export interface DatabaseFacts {
  readonly database: 'none' | 'readable' | 'unclean' | 'damaged' | 'foreign' | 'unreadable';
  readonly problem: string | undefined;
  /** Aggregators, and whole systems in one process, that read from it now. */
  readonly readers: number;
}

const LOG = 'event log';
const SPOOL = 'spool';
/** A week of a small fleet's events; below the second, a log stops within hours. */
const LITTLE_BYTES = 2 ** 30;
const TOO_LITTLE_BYTES = 64 * 2 ** 20;

/** Whether the embedded log can be used. */
export function embeddedLogFindings(folder: FolderFacts, log: DatabaseFacts): readonly Finding[] {
  if (folder.state === 'blocked') return [blocked(LOG, folder, 'EVENT_LOG_URL')];
  return [databaseFinding(folder, log), ...roomFindings(LOG, folder)];
}

function databaseFinding({ folder, state }: FolderFacts, { database, problem, readers }: DatabaseFacts): Finding {
  const why = problem === undefined ? '' : ` (${problem})`;
  switch (database) {
    case 'none':
      return ok(LOG, `${folder}: ${state === 'absent' ? 'the folder and the log' : 'the log'} will be made at the first start`);
    case 'readable':
      return ok(LOG, `${folder}: readable, ${readers === 0 ? 'no aggregator reads it now' : `in use: ${counted(readers, 'reader')}`}`);
    case 'unclean':
      return ok(LOG, `${folder}: its last process died; the next one mends it at its start`);
    case 'foreign':
      return fail(LOG, `${folder}: the log was not written by this version`, 'move event-log.sqlite away to start afresh, or go back');
    case 'damaged':
      return fail(LOG, `${folder}: the log is damaged${why}`, 'put back a copy of event-log.sqlite, or move it away to start afresh');
    default:
      return fail(LOG, `${folder}: the log cannot be read${why}`, 'give the user that runs Inferometer the right to read and write it');
  }
}

export interface SpoolFacts extends Pick<DatabaseFacts, 'database'> {
  readonly isTaken: boolean;
  readonly events: number;
  readonly bytes: number;
  readonly maxBytes: number;
}

/** Whether events find a place while the brokers are away. */
export function spoolFindings(folder: FolderFacts, spool: SpoolFacts): readonly Finding[] {
  if (spool.maxBytes === 0)
    return [warn(SPOOL, 'SPOOL_MAX_BYTES is 0: what does not fit in memory while the brokers are away is dropped', 'set SPOOL_MAX_BYTES')];
  if (folder.state === 'blocked') return [blocked(SPOOL, folder, 'SPOOL_DIR')];
  if (spool.database === 'damaged' || spool.database === 'unreadable') return [spoiled(folder, spool)];
  return [heldFinding(folder, spool), ...spoolRoom(folder, spool)];
}

function spoiled({ folder }: FolderFacts, { database }: SpoolFacts): Finding {
  if (database === 'unreadable')
    return fail(SPOOL, `${folder}: the spool cannot be read`, 'give the user that runs the gateway the right to');
  return warn(SPOOL, `${folder}: the spool is damaged`, 'the gateway puts it aside at its start; what it holds is lost');
}

function heldFinding({ folder, state }: FolderFacts, { database, isTaken, events, bytes }: SpoolFacts): Finding {
  const held = events === 0 ? 'empty' : `${counted(events, 'event')} in ${bytesText(bytes)} wait to be sent`;
  if (isTaken) return ok(SPOOL, `${folder}: in use by a gateway, ${held}`);
  if (database === 'unclean') return ok(SPOOL, `${folder}: its last gateway died; the next one sends what it left`);
  if (database === 'none') return ok(SPOOL, `${folder}: ${state === 'absent' ? 'will be made at the first start' : 'empty'}`);
  if (events === 0) return ok(SPOOL, `${folder}: empty`);
  return warn(SPOOL, `${folder}: ${held}, from a gateway that has ended`, 'start a gateway with this SPOOL_DIR: it sends them first');
}

/** The room that is promised, less what is taken of it already. */
function spoolRoom(folder: FolderFacts, { bytes, maxBytes }: SpoolFacts): readonly Finding[] {
  const { freeBytes } = folder;
  if (freeBytes === undefined) return [skip(SPOOL, 'the free room of the disk is not known')];
  const wanted = Math.max(0, maxBytes - bytes);
  if (freeBytes >= wanted) return [ok(SPOOL, `${bytesText(freeBytes)} free for the ${bytesText(wanted)} that it may still take`)];
  return [
    (freeBytes < Math.min(wanted, TOO_LITTLE_BYTES) ? fail : warn)(
      SPOOL,
      `only ${bytesText(freeBytes)} free for the ${bytesText(wanted)} that it may still take`,
      'make room, move SPOOL_DIR to a larger disk, or lower SPOOL_MAX_BYTES',
    ),
  ];
}

function roomFindings(check: string, { freeBytes }: FolderFacts): readonly Finding[] {
  if (freeBytes === undefined) return [skip(check, 'the free room of the disk is not known')];
  const free = `${bytesText(freeBytes)} free on its disk`;
  const mend = 'make room, or move the log to a larger disk and name it in EVENT_LOG_URL';
  if (freeBytes < TOO_LITTLE_BYTES) return [fail(check, `only ${free}`, mend)];
  return [freeBytes < LITTLE_BYTES ? warn(check, `only ${free}`, mend) : ok(check, free)];
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'that file system is read-only',
  ENOTDIR: 'a file is in the place of a folder',
};

function blocked(check: string, { folder, reason = '' }: FolderFacts, setting: string): Finding {
  const why = REASONS[reason] ?? `it cannot be made or written (${reason})`;
  return fail(check, `${folder}: ${why}`, `let ${setting} name a folder that the user of this process may write`);
}
