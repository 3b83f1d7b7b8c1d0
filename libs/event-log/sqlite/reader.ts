import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { LogRecord } from '../event-log.js';
import { translated } from './failure.js';
import { unpackFrame } from './frame.js';
import { loadTopic, type Topic } from './topic-tables.js';

/** Records in offset order, and the offset to go on from. */
export interface Chunk {
  readonly records: readonly LogRecord[];
  readonly next: number;
}

/** One read stays within these, or takes one row: some milliseconds of reading and of the handler's work. */
const MAX_CHUNK_RECORDS = 500;
const MAX_CHUNK_BYTES = 512 * 1024;

interface FrameRow {
  readonly last_offset: number;
  readonly records: number;
  readonly timestamp_ms: number;
  readonly data: Uint8Array;
}

interface LatestRow {
  readonly key: string;
  readonly offset: number;
  readonly timestamp_ms: number;
  readonly value: Uint8Array | null;
}

/** Everything that only reads the database. Calls block for at most some milliseconds, and throw errors that callers of the log understand. */
export class Reader {
  private readonly db: DatabaseSync;
  private readonly topics = new Map<string, Topic>();
  private readonly frames: StatementSync;
  private readonly latest: StatementSync;
  private readonly end: StatementSync;
  private readonly firstFrame: StatementSync;
  private readonly firstLatest: StatementSync;
  private readonly allEnds: StatementSync;
  private readonly version: StatementSync;
  private readonly membership: StatementSync;
  private readonly processes: StatementSync;

  constructor(db: DatabaseSync) {
    this.db = db;
    this.frames = db.prepare(`SELECT last_offset, records, timestamp_ms, data FROM frames
      WHERE partition_id = ? AND last_offset >= ? ORDER BY last_offset`);
    this.latest = db.prepare(`SELECT key, offset, timestamp_ms, value FROM latest
      WHERE partition_id = ? AND offset >= ? ORDER BY offset`);
    this.end = db.prepare('SELECT next_offset FROM partitions WHERE id = ?');
    this.firstFrame = db.prepare(
      'SELECT last_offset - records + 1 AS offset FROM frames WHERE partition_id = ? ORDER BY last_offset LIMIT 1',
    );
    this.firstLatest = db.prepare('SELECT offset FROM latest WHERE partition_id = ? ORDER BY offset LIMIT 1');
    this.allEnds = db.prepare('SELECT id, next_offset FROM partitions');
    this.version = db.prepare('PRAGMA data_version');
    this.membership = db.prepare('SELECT version FROM membership');
    this.processes = db.prepare('SELECT DISTINCT process FROM members WHERE process <> ?');
  }

  /** A topic that exists, remembered: partitions and policy never change. */
  topic(name: string): Topic | undefined {
    const known = this.topics.get(name) ?? this.freshTopic(name);
    if (known) this.topics.set(name, known);
    return known;
  }

  /** A topic with the retention it has now. */
  freshTopic(name: string): Topic | undefined {
    return translated(() => loadTopic(this.db, name));
  }

  /** Records of a partition from offset `from` on. */
  read(topic: Topic, partition: number, from: number): Chunk {
    return translated(() => {
      const id = topic.partitionIds[partition]!;
      const end = this.endOf(id); // Read first: if no record follows, everything below it is done with.
      const records = topic.compacted ? this.readLatest(id, partition, from) : this.readFrames(id, partition, from);
      const last = records.at(-1);
      return { records, next: last ? Number(last.offset) + 1 : Math.max(from, end) };
    });
  }

  /** The offset after the newest record. */
  endOf(partitionId: number): number {
    return translated(() => this.end.get(partitionId)!['next_offset'] as number);
  }

  /** The offset of the oldest record that is left; the end if none is. */
  oldestOf(topic: Topic, partition: number): number {
    return translated(() => {
      const id = topic.partitionIds[partition]!;
      const end = this.endOf(id); // Read first: a record that comes in between is not older.
      const first = (topic.compacted ? this.firstLatest : this.firstFrame).get(id);
      return first ? (first['offset'] as number) : end;
    });
  }

  /** The ends of all partitions of the log, by row id. */
  ends(): Map<number, number> {
    return translated(() => new Map(this.allEnds.all().map((row) => [row['id'] as number, row['next_offset'] as number])));
  }

  /** Changes when another connection, of this process or another, has committed something. */
  dataVersion(): number {
    return translated(() => this.version.get()!['data_version'] as number);
  }

  /** Changes when members or owners have changed. */
  membershipVersion(): number {
    return translated(() => this.membership.get()!['version'] as number);
  }

  /** Other processes that have members in any group. */
  otherProcesses(own: string): readonly string[] {
    return translated(() => this.processes.all(own).map(({ process }) => process as string));
  }

  close(): void {
    this.db.close();
  }

  private readFrames(id: number, partition: number, from: number): LogRecord[] {
    const records: LogRecord[] = [];
    let bytes = 0;
    for (const row of this.frames.iterate(id, from) as unknown as Iterable<FrameRow>) {
      bytes += row.data.byteLength;
      if (records.length > 0 && (records.length + row.records > MAX_CHUNK_RECORDS || bytes > MAX_CHUNK_BYTES)) break;
      const firstOffset = row.last_offset - row.records + 1;
      records.push(...unpackFrame(row.data, { partition, firstOffset, timestampMs: row.timestamp_ms }, from));
    }
    return records;
  }

  private readLatest(id: number, partition: number, from: number): LogRecord[] {
    const records: LogRecord[] = [];
    let bytes = 0;
    for (const row of this.latest.iterate(id, from) as unknown as Iterable<LatestRow>) {
      bytes += row.value?.byteLength ?? 0;
      if (records.length > 0 && (records.length === MAX_CHUNK_RECORDS || bytes > MAX_CHUNK_BYTES)) break;
      records.push({ partition, offset: BigInt(row.offset), key: row.key, value: row.value, timestampMs: row.timestamp_ms });
    }
    return records;
  }
}
