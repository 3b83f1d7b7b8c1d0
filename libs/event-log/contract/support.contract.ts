import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Bounds, EventLog, LogRecord, OutgoingRecord, PartitionHandler, StartAt, TopicSpec } from '../event-log.js';

/** An opened log under test. */
export interface Subject {
  readonly log: EventLog;
  /**
   * Makes `ms` of the log's time pass and lets it apply retention and compaction; it need not be done when this resolves. Where that time is real,
   * it runs faster than it says, and retention with it.
   */
  readonly passTime: (ms: number) => Promise<void>;
  /** Closes the log, if that has not been done, and removes what it left behind. */
  readonly dispose: () => Promise<void>;
}

/** Resolves as soon as `condition` holds; fails after `limitMs`. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) expect.fail(`waited ${limitMs} ms in vain until ${what}`);
    await sleep(5);
  }
}

/** Creates a topic that no other test uses, with three partitions that keep everything unless `spec` says otherwise. */
export async function newTopic(log: EventLog, spec: Partial<TopicSpec> = {}): Promise<string> {
  const topic: TopicSpec = { name: `contract.${randomUUID()}`, partitions: 3, policy: 'delete', ...spec };
  await log.ensureTopics([topic]);
  return topic.name;
}

export function record(partition: number, key: string, value: string | null = key): OutgoingRecord {
  return { partition, key, value: value === null ? null : Buffer.from(value) };
}

/** `count` records with the keys `prefix0`, `prefix1` … */
export function numbered(partition: number, count: number, prefix = 'k'): readonly OutgoingRecord[] {
  return Array.from({ length: count }, (_, index) => record(partition, `${prefix}${index}`));
}

export function textOf(value: Uint8Array | null): string | null {
  return value === null ? null : Buffer.from(value).toString();
}

/** Everything in the topic, in offset order per partition. */
export async function readAll(log: EventLog, topic: string): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = [];
  const following = await log.follow(topic, 'beginning', { records: (_partition, batch) => void records.push(...batch) });
  await following.caughtUp;
  await following.close();
  return records;
}

/** A group member that writes down what it is told. */
export class Notebook implements PartitionHandler {
  /** In the order of the calls: `assigned 0`, `batch 0 k1,k2`, `revoked 0`. */
  readonly calls: string[] = [];
  readonly records: LogRecord[] = [];
  readonly owned = new Set<number>();
  constructor(private readonly start: (partition: number, bounds: Bounds) => StartAt = () => 'beginning') {}

  async assigned(partition: number, bounds: Bounds): Promise<StartAt> {
    this.calls.push(`assigned ${partition}`);
    this.owned.add(partition);
    return this.start(partition, bounds);
  }

  async batch(partition: number, records: readonly LogRecord[]): Promise<StartAt | void> {
    this.calls.push(`batch ${partition} ${records.map(({ key }) => key).join(',')}`);
    this.records.push(...records);
  }

  async revoked(partition: number): Promise<void> {
    this.calls.push(`revoked ${partition}`);
    this.owned.delete(partition);
  }

  keys(partition?: number): readonly string[] {
    return this.records.filter((one) => partition === undefined || one.partition === partition).map(({ key }) => key);
  }
}

/** A promise that the test settles itself. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: () => resolve() };
}
