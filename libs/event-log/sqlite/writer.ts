import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { TopicSpec } from '../event-log.js';
import { inTransaction } from './database.js';
import { unpackFrame, type Frame } from './frame.js';
import { MembershipTables, type Balance, type NewMember } from './membership-tables.js';
import { Retention } from './retention.js';
import { storeTopic } from './topic-tables.js';

/** A frame to append. */
export interface Append extends Frame {
  readonly partitionId: number;
  readonly compacted: boolean;
}

/** A frame as it is stored. */
export interface StoredFrame extends Frame {
  readonly lastOffset: number;
}

/** What a partition of frames holds: the offset of its oldest record, the offset after its newest, and the size of the frames. */
export interface Extent {
  readonly oldest: number;
  readonly end: number;
  readonly bytes: number;
}

/**
 * Everything that changes the database, one transaction a call. Calls block, and throw SQLite's own errors.
 * It runs in a thread of its own for files (see writer-thread.ts), so that neither the disk nor another process's lock ever holds up the event loop.
 */
export class Writer {
  private readonly db: DatabaseSync;
  private readonly membership: MembershipTables;
  private readonly retention: Retention;
  private readonly advance: StatementSync;
  private readonly insertFrame: StatementSync;
  private readonly upsertLatest: StatementSync;
  private readonly framesFrom: StatementSync;
  private readonly framesBelow: StatementSync;
  private readonly deleteFrames: StatementSync;

  constructor(db: DatabaseSync) {
    this.db = db;
    this.membership = new MembershipTables(db);
    this.retention = new Retention(db);
    this.advance = db.prepare(`UPDATE partitions
      SET next_offset = next_offset + ?, last_timestamp_ms = max(last_timestamp_ms, ?), bytes = bytes + ?
      WHERE id = ? RETURNING next_offset, last_timestamp_ms`);
    this.insertFrame = db.prepare('INSERT INTO frames (partition_id, last_offset, records, timestamp_ms, data) VALUES (?, ?, ?, ?, ?)');
    this.upsertLatest = db.prepare(`INSERT INTO latest (partition_id, key, offset, timestamp_ms, value) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (partition_id, key) DO UPDATE SET offset = excluded.offset, timestamp_ms = excluded.timestamp_ms, value = excluded.value`);
    this.framesFrom = db.prepare(`SELECT last_offset AS lastOffset, records, data FROM frames
      WHERE partition_id = ? AND last_offset >= ? ORDER BY last_offset`);
    this.framesBelow = db.prepare('SELECT sum(length(data)) AS bytes FROM frames WHERE partition_id = ? AND last_offset < ?');
    this.deleteFrames = db.prepare('DELETE FROM frames WHERE partition_id = ? AND last_offset < ?');
  }

  /** Creates the topics that are missing. Throws EventLogOpenError if an existing one does not fit. */
  createTopics(topics: readonly TopicSpec[]): void {
    inTransaction(this.db, () => topics.forEach((topic) => storeTopic(this.db, topic)));
  }

  /** Stores all frames, in order, or none. `nowMs` is Unix time; a partition's timestamps never go back behind it. */
  append(frames: readonly Append[], nowMs: number): void {
    inTransaction(this.db, () => frames.forEach((frame) => this.store(frame, nowMs)));
  }

  /** For the spool, which reads here so that a cold disk does not hold up its caller's thread. Whole frames with records from `offset` on: one, or as many as hold `maxRecords`. */
  readFrames(partitionId: number, offset: number, maxRecords: number): StoredFrame[] {
    const frames: StoredFrame[] = [];
    let records = 0;
    for (const frame of this.framesFrom.iterate(partitionId, offset) as unknown as Iterable<StoredFrame>) {
      records += frame.records;
      if (frames.length > 0 && records > maxRecords) break;
      frames.push(frame);
    }
    return frames;
  }

  /** Deletes the frames that end below `offset`. Returns how many bytes they had. */
  truncate(partitionId: number, offset: number): number {
    return inTransaction(this.db, () => {
      const freed = (this.framesBelow.get(partitionId, offset)!['bytes'] as number | null) ?? 0;
      this.deleteFrames.run(partitionId, offset);
      this.advance.get(0, 0, -freed, partitionId);
      return freed;
    });
  }

  extent(partitionId: number): Extent {
    return extentOf(this.db, partitionId);
  }

  join(member: NewMember): void {
    inTransaction(this.db, () => this.membership.join(member));
  }

  balance(memberId: string): Balance {
    return inTransaction(this.db, () => this.membership.balance(memberId));
  }

  release(memberId: string, partitions: readonly number[]): void {
    inTransaction(this.db, () => this.membership.release(memberId, partitions));
  }

  leave(memberIds: readonly string[]): void {
    inTransaction(this.db, () => this.membership.leave(memberIds));
  }

  /** Removes the members of processes that are dead. */
  reap(processes: readonly string[]): void {
    inTransaction(this.db, () => this.membership.reap(processes));
  }

  /** One short step of retention, compaction and giving back disk space. True if there is more to do. */
  maintain(nowMs: number): boolean {
    return this.retention.step(nowMs);
  }

  close(): void {
    this.db.close();
  }

  private store({ partitionId, compacted, records, data }: Append, nowMs: number): void {
    const bytes = compacted ? 0 : data.byteLength;
    const row = this.advance.get(records, nowMs, bytes, partitionId) as unknown as { next_offset: number; last_timestamp_ms: number };
    const timestampMs = row.last_timestamp_ms;
    if (!compacted) {
      this.insertFrame.run(partitionId, row.next_offset - 1, records, timestampMs, data);
      return;
    }
    const place = { partition: 0, firstOffset: row.next_offset - records, timestampMs };
    for (const { key, offset, value } of unpackFrame(data, place)) this.upsertLatest.run(partitionId, key, offset, timestampMs, value);
  }
}

/** See `Writer.extent`. */
export function extentOf(db: DatabaseSync, partitionId: number): Extent {
  const { end, bytes } = db.prepare('SELECT next_offset AS end, bytes FROM partitions WHERE id = ?').get(partitionId) as {
    end: number;
    bytes: number;
  };
  const first = db.prepare('SELECT last_offset - records + 1 AS offset FROM frames WHERE partition_id = ? ORDER BY last_offset LIMIT 1');
  return { oldest: (first.get(partitionId)?.['offset'] as number | undefined) ?? end, end, bytes };
}
