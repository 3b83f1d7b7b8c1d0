import type { DatabaseSync } from 'node:sqlite';
import { EventLogOpenError, type TopicSpec } from '../event-log.js';

/** A topic as it is stored. */
export interface Topic {
  readonly id: number;
  readonly name: string;
  readonly policy: TopicSpec['policy'];
  /** True if only the newest record of each key is kept. */
  readonly compacted: boolean;
  readonly retentionMs: number | null;
  readonly retentionBytes: number | null;
  /** The row ids of its partitions, by partition number. */
  readonly partitionIds: readonly number[];
}

interface TopicRow {
  readonly id: number;
  readonly policy: TopicSpec['policy'];
  readonly retention_ms: number | null;
  readonly retention_bytes: number | null;
}

/** Reads one topic; undefined if it does not exist. */
export function loadTopic(db: DatabaseSync, name: string): Topic | undefined {
  const row = db.prepare('SELECT id, policy, retention_ms, retention_bytes FROM topics WHERE name = ?').get(name) as unknown as
    TopicRow | undefined;
  if (row === undefined) return undefined;
  const partitions = db.prepare('SELECT id FROM partitions WHERE topic_id = ? ORDER BY number').all(row.id);
  return {
    id: row.id,
    name,
    policy: row.policy,
    compacted: row.policy !== 'delete',
    retentionMs: row.retention_ms,
    retentionBytes: row.retention_bytes,
    partitionIds: partitions.map(({ id }) => id as number),
  };
}

export function loadTopics(db: DatabaseSync): readonly Topic[] {
  const names = db.prepare('SELECT name FROM topics ORDER BY id').all();
  return names.map(({ name }) => loadTopic(db, name as string)!);
}

/** True if `topic` is what `spec` asks for, so that nothing needs to be written. Throws EventLogOpenError if it can never be. */
export function fits(topic: Topic, spec: TopicSpec): boolean {
  if (topic.policy !== spec.policy) {
    throw new EventLogOpenError(`topic ${spec.name} exists with policy ${topic.policy}, but ${spec.policy} is needed`);
  }
  if (topic.partitionIds.length < spec.partitions) {
    throw new EventLogOpenError(
      `topic ${spec.name} exists with ${topic.partitionIds.length} partitions, but ${spec.partitions} are needed`,
    );
  }
  return topic.retentionMs === (spec.retentionMs ?? null) && topic.retentionBytes === (spec.retentionBytes ?? null);
}

/** Creates the topic, or gives an existing one the retention of `spec`. Called inside a transaction. */
export function storeTopic(db: DatabaseSync, spec: TopicSpec): void {
  const existing = loadTopic(db, spec.name);
  const limits = [spec.retentionMs ?? null, spec.retentionBytes ?? null];
  if (existing) {
    if (!fits(existing, spec))
      db.prepare('UPDATE topics SET retention_ms = ?, retention_bytes = ? WHERE id = ?').run(...limits, existing.id);
    return;
  }
  const insert = 'INSERT INTO topics (name, policy, retention_ms, retention_bytes) VALUES (?, ?, ?, ?)';
  const { lastInsertRowid } = db.prepare(insert).run(spec.name, spec.policy, ...limits);
  const insertPartition = db.prepare('INSERT INTO partitions (topic_id, number) VALUES (?, ?)');
  for (let number = 0; number < spec.partitions; number += 1) insertPartition.run(lastInsertRowid, number);
}
