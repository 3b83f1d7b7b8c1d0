import { Bell } from '../bell.js';
import { EventLogError, type Bounds, type PartitionHandler, type Position, type StartAt } from '../event-log.js';
import type { Turns } from '../turns.js';
import { Backoff } from './backoff.js';
import type { Cluster } from './cluster.js';
import { EARLIEST, LATEST } from './cluster-apis.js';
import type { Fetcher } from './fetcher.js';
import { PartitionReading } from './partition-reading.js';

const MAX_BATCH = 1_000;
/** Fetches tell the end twice a second. */
const OLD_END_MS = 2_000;

/** What the feeds of one group member share. */
export interface FeedParts {
  readonly cluster: Cluster;
  readonly topic: string;
  readonly handler: PartitionHandler;
  readonly fetcher: Fetcher;
  readonly turns: Turns;
  /** False once the member may have lost its partitions: nothing is handed over then. */
  readonly isMember: () => boolean;
  /** Told when the handler fails, or records cannot be read; the feed still has to be stopped. */
  readonly onFailure: (cause: unknown) => void;
}

/** Feeds one partition to a group member's handler, from `assigned` to `revoked`. */
export class Feed {
  private readonly bell = new Bell();
  private readonly reading: PartitionReading;
  private readonly running: Promise<void>;
  private assigned = false;
  /** True once the reading is where the handler wants it. */
  private placed = false;
  private stopping = false;

  /** Starts at once. */
  constructor(
    private readonly parts: FeedParts,
    readonly partition: number,
  ) {
    this.reading = new PartitionReading(
      partition,
      () => this.bell.ring(),
      () => parts.fetcher.wake(),
    );
    parts.fetcher.add(this.reading);
    this.running = this.run().catch(parts.onFailure);
  }

  /** Undefined until the handler has said where to start. */
  get position(): Position | undefined {
    const { next, end } = this.reading;
    return this.assigned && this.placed ? { partition: this.partition, next, end } : undefined;
  }

  /** Undefined unless the end should be asked for, to tell how far a handler that takes its time is behind. */
  get partitionOfOldEnd(): number | undefined {
    return this.assigned && this.reading.isEndOlderThan(OLD_END_MS) ? this.partition : undefined;
  }

  noteEnd(end: bigint): void {
    this.reading.noteEnd(end);
  }

  /** Waits for the call in hand, then tells the handler that the partition is no longer its own. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.bell.ring();
    await this.running;
    this.parts.fetcher.remove(this.reading);
    if (!this.assigned) return;
    this.assigned = false;
    await this.parts.handler.revoked(this.partition);
  }

  private async run(): Promise<void> {
    await this.begin();
    while (!this.stopping) await this.deliver();
  }

  private async begin(): Promise<void> {
    this.placed = false;
    const found = await this.bounds();
    if (!found) return;
    if (!this.parts.isMember()) return this.bell.wait();
    const start = await this.parts.handler.assigned(this.partition, found.bounds);
    this.assigned = true;
    await this.moveTo(start, found.topicId);
  }

  private async deliver(): Promise<void> {
    const { reading, parts } = this;
    if (!this.assigned) return this.begin();
    if (!reading.hasNews) return this.bell.wait();
    await parts.turns.next();
    if (this.stopping) return;
    if (!parts.isMember()) return this.bell.wait();
    if (reading.detour) return this.startOver();
    const { records, next } = reading.take(MAX_BATCH);
    const goOnAt = records.length > 0 ? await parts.handler.batch(this.partition, records) : undefined;
    if (goOnAt === undefined) reading.next = next;
    else await this.moveTo(goOnAt, reading.topicId);
  }

  private async startOver(): Promise<void> {
    this.reading.pause();
    this.assigned = false;
    await this.parts.handler.revoked(this.partition);
    await this.begin();
  }

  /** `start` was said of the topic with that id: in one that has taken its name meanwhile it means nothing. */
  private async moveTo(start: StartAt, topicId: string): Promise<void> {
    this.reading.pause();
    const found = await this.bounds();
    if (!found) return;
    if (found.topicId !== topicId) return this.startOver();
    this.reading.seek(this.offsetOf(start, found.bounds), topicId);
    this.placed = true;
  }

  /** Asks until the brokers answer; undefined if the feed is stopped before. */
  private async bounds(): Promise<{ readonly bounds: Bounds; readonly topicId: string } | undefined> {
    const { cluster, topic } = this.parts;
    const backoff = new Backoff();
    while (!this.stopping) {
      try {
        const offsets = [EARLIEST, LATEST].map((at) => cluster.offsets(topic, [this.partition], at));
        const [{ id }, oldest, end] = await Promise.all([cluster.topic(topic, 0), ...offsets]);
        return { bounds: { oldest: oldest!.get(this.partition)!, end: end!.get(this.partition)! }, topicId: id };
      } catch {
        if (!this.stopping) await this.bell.wait(backoff.take());
      }
    }
    return undefined;
  }

  private offsetOf(start: StartAt, { oldest, end }: Bounds): bigint {
    this.reading.noteEnd(end);
    if (start === 'beginning') return oldest;
    if (start === 'end') return end;
    if (start >= 0n && start <= end) return start > oldest ? start : oldest;
    throw new EventLogError(`offset ${start} is outside of partition ${this.partition} of ${this.parts.topic}, which ends at ${end}`);
  }
}
