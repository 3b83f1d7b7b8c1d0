import { EventLogError, type OutgoingRecord } from '../event-log.js';
import { packFrames, type Memory } from './frame.js';
import { FrameTray } from './frame-tray.js';
import type { Topic } from './topic-tables.js';
import type { Append } from './writer.js';
import type { WriterHost } from './writer-host.js';

interface Waiting {
  readonly frames: readonly Append[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A transaction takes no further append once it holds this many bytes. */
const MAX_TRANSACTION_BYTES = 8 * 1_048_576;

/** Group commit: the appends of one turn of the event loop, and all that arrive while a transaction is under way, share the next transaction. */
export class Appender {
  private readonly writer: WriterHost;
  private readonly now: () => number;
  private readonly onStored: (partitionIds: Iterable<number>) => void;
  private waiting: Waiting[] = [];
  private storing: Promise<void> | undefined;
  private healthy = true;
  /** Holds the frames of those who wait. */
  private tray: FrameTray | undefined;
  private spare: FrameTray | undefined;

  constructor(writer: WriterHost, now: () => number, onStored: (partitionIds: Iterable<number>) => void) {
    this.writer = writer;
    this.now = now;
    this.onStored = onStored;
  }

  /** False from a failed transaction until one succeeds. */
  get reachable(): boolean {
    return this.healthy;
  }

  async append(topic: Topic, records: readonly OutgoingRecord[]): Promise<void> {
    this.tray ??= new FrameTray();
    const frames = framesOf(topic, records, this.tray.take);
    if (frames.length === 0) return;
    await new Promise<void>((resolve, reject) => {
      this.waiting.push({ frames, resolve, reject });
      this.storing ??= this.storeAll();
    });
  }

  /** Resolves when every append so far is settled. */
  async idle(): Promise<void> {
    await this.storing;
  }

  private async storeAll(): Promise<void> {
    while (this.waiting.length > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      await this.storeNext();
    }
    this.storing = undefined;
  }

  private async storeNext(): Promise<void> {
    const { tray } = this;
    this.tray = this.spare;
    this.spare = undefined;
    const batch = this.takeBatch();
    const isAll = this.waiting.length === 0;
    await this.store(batch);
    if (!tray || !isAll) return; // What was left waiting lies in it, too.
    tray.clear();
    this.spare = tray;
  }

  private takeBatch(): readonly Waiting[] {
    let bytes = 0;
    const full = this.waiting.findIndex(({ frames }) => {
      bytes += frames.reduce((sum, { data }) => sum + data.byteLength, 0);
      return bytes >= MAX_TRANSACTION_BYTES;
    });
    return this.waiting.splice(0, full < 0 ? this.waiting.length : full + 1);
  }

  private async store(batch: readonly Waiting[]): Promise<void> {
    const frames = batch.flatMap((append) => append.frames);
    const ids = new Set(frames.map(({ partitionId }) => partitionId));
    try {
      await this.writer.call('append', [frames, this.now()]);
      this.healthy = true;
      for (const { resolve } of batch) resolve();
      this.onStored(ids);
    } catch (error) {
      this.healthy = false;
      for (const { reject } of batch) reject(error as Error);
    }
  }
}

/** Packs the records by partition, keeping their order. Throws EventLogError if one cannot be stored. */
function framesOf(topic: Topic, records: readonly OutgoingRecord[], memory: Memory): readonly Append[] {
  const byPartition = new Map<number, OutgoingRecord[]>();
  for (const record of records) {
    const list = byPartition.get(record.partition);
    if (list) list.push(record);
    else byPartition.set(record.partition, [record]);
  }
  return [...byPartition].flatMap(([partition, list]) => {
    const partitionId = topic.partitionIds[partition];
    if (partitionId === undefined) throw new EventLogError(`topic ${topic.name} has no partition ${partition}`);
    return packFrames(list, memory).map((frame) => ({ ...frame, partitionId, compacted: topic.compacted }));
  });
}
