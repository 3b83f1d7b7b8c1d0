import type { FileHandle } from 'node:fs/promises';
import { MAX_EVENT_BYTES } from '#libs/contracts';
import { EventLogError, partitionOf, type EventLog, type OutgoingRecord } from '#libs/event-log';
import { LineSplitter, type Line } from '../core/line-splitter.js';
import { readLine, type InputTopic, type RecordedEvent } from '../core/recorded-line.js';
import type { ReplayReport } from '../core/replay-report.js';

export interface ReplayTarget {
  /** Undefined for a dry run: everything is read and checked, nothing is appended. */
  readonly log: EventLog | undefined;
  /** Name and number of partitions of each topic. */
  readonly topics: Readonly<Record<InputTopic, { readonly name: string; readonly partitions: number }>>;
}

export interface ReplayProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** White space around an event may make its line longer than the event may be. */
const MAX_LINE_BYTES = MAX_EVENT_BYTES + 4_096;
const MAX_BATCH = 1_000;
const MAX_BATCH_BYTES = 8_388_608;
const CHUNK_BYTES = 262_144;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
/** A log that stores nothing for this long ends the replay. */
const GIVE_UP_MS = 60_000;

/**
 * Appends the events of a file, in its order, and counts every line in `report`. Holds one batch in memory. An event is accepted only when
 * it is stored. Rejects with the log's error if it goes on failing, or with the file's. Closes the file.
 */
export async function replayFile(
  file: FileHandle,
  target: ReplayTarget,
  report: ReplayReport,
  onProgress: (progress: ReplayProgress) => void,
): Promise<void> {
  const { size: totalBytes } = await file.stat();
  const splitter = new LineSplitter(MAX_LINE_BYTES);
  const batch = new Batch(target, report);
  let doneBytes = 0;
  for await (const chunk of file.createReadStream({ highWaterMark: CHUNK_BYTES })) {
    const bytes = chunk as Uint8Array;
    for (const line of splitter.push(bytes)) await batch.add(line);
    doneBytes += bytes.length;
    onProgress({ doneBytes, totalBytes });
  }
  for (const line of splitter.end()) await batch.add(line);
  await batch.flush();
}

/** Collects events and stores them together. */
class Batch {
  private events: RecordedEvent[] = [];
  private bytes = 0;

  constructor(
    private readonly target: ReplayTarget,
    private readonly report: ReplayReport,
  ) {}

  async add(line: Line): Promise<void> {
    this.report.lines += 1;
    const read = readLine(line);
    if (read.kind === 'refused') this.report.refuse(line.number, read.reason, read.detail);
    if (read.kind !== 'event') return;
    this.events.push(read.event);
    this.bytes += read.event.bytes.length;
    if (this.events.length >= MAX_BATCH || this.bytes >= MAX_BATCH_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    const { log, topics } = this.target;
    const events = this.events;
    this.events = [];
    this.bytes = 0;
    for (const topic of ['requests', 'gpus'] as const) {
      const { name, partitions } = topics[topic];
      const its = events.filter((event) => event.topic === topic);
      if (log && its.length > 0)
        await appendPatiently(
          log,
          name,
          its.map((event) => recordOf(event, partitions)),
        );
      for (const { type } of its) this.report.accept(type);
    }
  }
}

/** Consumers count gaps and repeats by partition: an event goes back to the partition that it was numbered for, if there is one. */
function recordOf({ key, partition, bytes }: RecordedEvent, partitions: number): OutgoingRecord {
  const fits = partition !== undefined && partition < partitions;
  return { partition: fits ? partition : partitionOf(key, partitions), key, value: bytes };
}

/** A batch that was stored although the log said otherwise is stored twice: consumers drop repeats. */
async function appendPatiently(log: EventLog, topic: string, records: readonly OutgoingRecord[]): Promise<void> {
  const giveUpAt = performance.now() + GIVE_UP_MS;
  for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(waitMs * 2, LAST_RETRY_MS)) {
    try {
      return await log.append(topic, records);
    } catch (error) {
      if (error instanceof EventLogError || performance.now() > giveUpAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}
