import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { inTransaction } from './database.js';
import { loadTopics, type Topic } from './topic-tables.js';

/** How long a tombstone can still be read, so that slow followers learn of the deletion. */
export const TOMBSTONE_MS = 600_000;

/** One step deletes at most this many rows and frees at most this many pages, to stay within some milliseconds. */
const ROWS_A_STEP = 64;
const PAGES_A_STEP = 128;
/** Free pages kept for the records to come; beyond that, disk space is given back. */
const FREE_PAGES_KEPT = 512;

interface OldRow {
  readonly at: number;
  readonly timestamp_ms: number;
  readonly bytes: number;
}

/** Deletes what the topics' policies no longer keep, in small steps. */
export class Retention {
  private readonly db: DatabaseSync;
  private readonly partitionBytes: StatementSync;
  private readonly oldestFrames: StatementSync;
  private readonly deleteFrames: StatementSync;
  private readonly shrink: StatementSync;
  private readonly oldestLatest: StatementSync;
  private readonly deleteLatest: StatementSync;
  private readonly oldTombstone: StatementSync;
  private readonly deleteTombstones: StatementSync;

  constructor(db: DatabaseSync) {
    this.db = db;
    this.partitionBytes = db.prepare('SELECT bytes FROM partitions WHERE id = ?');
    this.oldestFrames = db.prepare(`SELECT last_offset AS at, timestamp_ms, length(data) AS bytes FROM frames
      WHERE partition_id = ? ORDER BY last_offset LIMIT ${ROWS_A_STEP}`);
    this.deleteFrames = db.prepare('DELETE FROM frames WHERE partition_id = ? AND last_offset <= ?');
    this.shrink = db.prepare('UPDATE partitions SET bytes = bytes - ? WHERE id = ?');
    this.oldestLatest = db.prepare(`SELECT offset AS at, timestamp_ms, 0 AS bytes FROM latest
      WHERE partition_id = ? ORDER BY offset LIMIT ${ROWS_A_STEP}`);
    this.deleteLatest = db.prepare('DELETE FROM latest WHERE partition_id = ? AND offset <= ?');
    const tombstones = 'FROM latest WHERE partition_id = ? AND value IS NULL AND timestamp_ms < ?';
    this.oldTombstone = db.prepare(`SELECT id ${tombstones} LIMIT 1`);
    this.deleteTombstones = db.prepare(`DELETE FROM latest WHERE id IN (SELECT id ${tombstones} LIMIT ${ROWS_A_STEP})`);
  }

  /** One short step. True if there is more to do. */
  step(nowMs: number): boolean {
    for (const topic of loadTopics(this.db)) {
      for (const partitionId of topic.partitionIds) {
        if (this.clean(topic, partitionId, nowMs)) return true;
      }
    }
    return this.giveBackSpace();
  }

  /** True if something was deleted. */
  private clean(topic: Topic, partitionId: number, nowMs: number): boolean {
    if (topic.policy === 'delete') return this.deleteOldFrames(topic, partitionId, nowMs);
    return this.deleteOldTombstones(partitionId, nowMs) || this.deleteOldKeys(topic, partitionId, nowMs);
  }

  private deleteOldFrames(topic: Topic, partitionId: number, nowMs: number): boolean {
    if (topic.retentionMs === null && topic.retentionBytes === null) return false;
    const { bytes } = this.partitionBytes.get(partitionId) as { bytes: number };
    const rows = this.oldestFrames.all(partitionId) as unknown as OldRow[];
    const old = rows.slice(0, countOfOld(rows, topic, bytes, nowMs));
    if (old.length === 0) return false;
    inTransaction(this.db, () => {
      this.deleteFrames.run(partitionId, old.at(-1)!.at);
      const freed = old.reduce((sum, row) => sum + row.bytes, 0);
      this.shrink.run(freed, partitionId);
    });
    return true;
  }

  private deleteOldKeys(topic: Topic, partitionId: number, nowMs: number): boolean {
    if (topic.policy !== 'compact,delete' || topic.retentionMs === null) return false;
    const rows = this.oldestLatest.all(partitionId) as unknown as OldRow[];
    const count = countOfOld(rows, { retentionMs: topic.retentionMs, retentionBytes: null }, 0, nowMs);
    if (count === 0) return false;
    inTransaction(this.db, () => this.deleteLatest.run(partitionId, rows[count - 1]!.at));
    return true;
  }

  private deleteOldTombstones(partitionId: number, nowMs: number): boolean {
    const before = nowMs - TOMBSTONE_MS;
    if (this.oldTombstone.get(partitionId, before) === undefined) return false;
    inTransaction(this.db, () => this.deleteTombstones.run(partitionId, before));
    return true;
  }

  private giveBackSpace(): boolean {
    const free = this.db.prepare('PRAGMA freelist_count').get()!['freelist_count'] as number;
    if (free <= FREE_PAGES_KEPT) return false;
    this.db.exec(`PRAGMA incremental_vacuum(${PAGES_A_STEP})`);
    return free - PAGES_A_STEP > FREE_PAGES_KEPT;
  }
}

/** How many of the oldest rows are past the limits; `bytes` is the size of the whole partition. */
function countOfOld(rows: readonly OldRow[], limits: Pick<Topic, 'retentionMs' | 'retentionBytes'>, bytes: number, nowMs: number): number {
  let left = bytes;
  const firstKept = rows.findIndex((row) => {
    const young = limits.retentionMs === null || row.timestamp_ms >= nowMs - limits.retentionMs;
    const fits = limits.retentionBytes === null || left <= limits.retentionBytes;
    left -= row.bytes;
    return young && fits;
  });
  return firstKept < 0 ? rows.length : firstKept;
}
