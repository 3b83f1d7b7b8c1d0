import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { EventLog, EventLogError, type Consumption, type Following, type OutgoingRecord } from '../event-log.js';
import type { PartitionHandler, RecordHandler, StoredTopic, TopicSpec } from '../event-log.js';
import { Appender } from './appender.js';
import { DATABASE_FILE, openFolder, openMemory } from './database.js';
import type { Reading } from './feed.js';
import { TopicFollowing } from './following.js';
import { Groups } from './groups.js';
import { Presence } from './presence.js';
import { Reader } from './reader.js';
import { ThreadWriterHost } from './thread-writer-host.js';
import { fits, type Topic } from './topic-tables.js';
import { Turns } from '../turns.js';
import { Watcher } from './watcher.js';
import { InlineWriterHost, type WriterHost } from './writer-host.js';

export interface SqliteEventLogOptions {
  /** The clock that stamps records and ages them, in Unix ms. */
  readonly now?: () => number;
  /** How long an append waits for another process's lock before it rejects, in ms. */
  readonly busyMs?: number;
}

const BUSY_MS = 5_000;
const MAINTAIN_EVERY_MS = 10_000;

/**
 * The log on one machine, without a broker: an SQLite database in a folder, or in memory.
 * Several processes may open one folder. Writing is done in a thread of its own, reading in the caller's.
 */
export class SqliteEventLog extends EventLog {
  private readonly writer: WriterHost;
  private readonly reader: Reader;
  private readonly presence: Presence | undefined;
  private readonly now: () => number;
  private readonly appender: Appender;
  private readonly groups: Groups;
  private readonly reading: Reading;
  private readonly followings = new Set<TopicFollowing>();
  private readonly timer: NodeJS.Timeout;
  private readonly joining = new Set<Promise<Consumption>>();
  private maintaining: Promise<void> | undefined;
  private state: 'open' | 'closing' | 'closed' = 'open';
  private closed: Promise<void> | undefined;

  private constructor(db: DatabaseSync, writer: WriterHost, presence: Presence | undefined, now: () => number) {
    super();
    this.writer = writer;
    this.presence = presence;
    this.now = now;
    this.reader = new Reader(db);
    const watcher = new Watcher(this.reader, presence !== undefined, () => this.groups.changed());
    this.appender = new Appender(writer, now, (partitionIds) => watcher.appended(partitionIds));
    this.reading = { reader: this.reader, watcher, turns: new Turns() };
    this.groups = new Groups(writer, this.reading, presence);
    this.timer = setInterval(() => void this.maintain().catch(() => {}), MAINTAIN_EVERY_MS).unref();
  }

  /** Opens, or creates, the log in `folder`. Throws EventLogOpenError with one clear line. */
  static inFolder(folder: string, { now = Date.now, busyMs = BUSY_MS }: SqliteEventLogOptions = {}): SqliteEventLog {
    const db = openFolder(folder, busyMs);
    const writer = new ThreadWriterHost({ path: join(folder, DATABASE_FILE), busyMs });
    return new SqliteEventLog(db, writer, new Presence(folder), now);
  }

  /** An empty log that lasts as long as this object. */
  static inMemory({ now = Date.now }: SqliteEventLogOptions = {}): SqliteEventLog {
    const db = openMemory();
    return new SqliteEventLog(db, new InlineWriterHost(db), undefined, now);
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    this.refuseUnlessOpen();
    const missing = topics.filter((spec) => {
      const existing = this.reader.freshTopic(spec.name);
      return existing === undefined || !fits(existing, spec);
    });
    if (missing.length > 0) await this.writer.call('createTopics', [missing]);
  }

  async topics(names: readonly string[]): Promise<readonly StoredTopic[]> {
    this.refuseUnlessOpen();
    return names.flatMap((name) => {
      const topic = this.reader.freshTopic(name);
      return topic ? storedTopicOf(topic) : [];
    });
  }

  async partitions(topic: string): Promise<number> {
    return this.topic(topic).partitionIds.length;
  }

  async append(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    await this.appender.append(this.topic(topic), records);
  }

  async consume(topic: string, group: string, handler: PartitionHandler): Promise<Consumption> {
    this.refuseUnlessOpen();
    const joining = this.groups.join(this.topic(topic), group, handler);
    this.joining.add(joining);
    const joined = (): void => void this.joining.delete(joining);
    joining.then(joined, joined);
    return joining;
  }

  async follow(topic: string, from: 'beginning' | 'end', handler: RecordHandler): Promise<Following> {
    this.refuseUnlessOpen();
    const following = new TopicFollowing(this.topic(topic), from, handler, this.reading, () => this.followings.delete(following));
    this.followings.add(following);
    return following;
  }

  connected(): boolean {
    return this.state === 'open' && this.appender.reachable;
  }

  /** Applies retention and compaction now, in short steps. The log does so by itself every ten seconds. */
  async maintain(): Promise<void> {
    this.refuseUnlessOpen();
    this.maintaining ??= this.sweep().finally(() => {
      this.maintaining = undefined;
    });
    await this.maintaining;
  }

  close(): Promise<void> {
    this.closed ??= this.shutDown();
    return this.closed;
  }

  /** Handlers may append until the last of them has ended. */
  private async shutDown(): Promise<void> {
    this.state = 'closing';
    clearInterval(this.timer);
    await Promise.allSettled(this.joining);
    await Promise.all([this.groups.close(), ...[...this.followings].map((following) => following.close())]);
    this.state = 'closed';
    await this.appender.idle();
    await this.maintaining?.catch(() => {});
    this.reader.close();
    await this.writer.close();
    this.presence?.close();
  }

  private async sweep(): Promise<void> {
    while (this.state === 'open' && (await this.writer.call('maintain', [this.now()]))) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  private topic(name: string): Topic {
    if (this.state === 'closed') throw closedError();
    const topic = this.reader.topic(name);
    if (topic === undefined) throw new EventLogError(`topic ${name} does not exist`);
    return topic;
  }

  private refuseUnlessOpen(): void {
    if (this.state !== 'open') throw closedError();
  }
}

/** A topic as the port shows it. */
export function storedTopicOf({ name, partitionIds, policy, retentionMs, retentionBytes }: Topic): StoredTopic {
  const limits = { retentionMs: retentionMs ?? undefined, retentionBytes: retentionBytes ?? undefined };
  return { name, partitions: partitionIds.length, policy, ...limits, clock: 'log' };
}

function closedError(): EventLogError {
  return new EventLogError('the event log is closed');
}
