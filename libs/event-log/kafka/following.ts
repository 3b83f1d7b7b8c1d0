import { setTimeout as sleep } from 'node:timers/promises';
import { asError } from '../as-error.js';
import { Bell } from '../bell.js';
import { EventLogError, type Following, type RecordHandler } from '../event-log.js';
import { Goals } from '../goals.js';
import type { Turns } from '../turns.js';
import { Backoff } from './backoff.js';
import type { Cluster, Lane } from './cluster.js';
import { EARLIEST, LATEST } from './cluster-apis.js';
import { Fetcher } from './fetcher.js';
import { PartitionReading } from './partition-reading.js';

const MAX_BATCH = 1_000;

export interface FollowingParts {
  readonly cluster: Cluster;
  readonly topic: string;
  readonly handler: RecordHandler;
  readonly turns: Turns;
  readonly lane: Lane;
  /** How often partitions that were added are looked for. */
  readonly lookEveryMs: number;
  /** Called when it is over, for whatever reason. */
  readonly onEnd: (following: TopicFollowing) => void;
}

/** Follows a whole topic, partition after partition. */
export class TopicFollowing implements Following {
  readonly caughtUp: Promise<void>;
  readonly failed: Promise<Error>;
  private readonly bell = new Bell();
  private readonly readings = new Map<number, PartitionReading>();
  private readonly fetcher: Fetcher;
  private readonly failure = Promise.withResolvers<Error>();
  private readonly running: Promise<void>;
  private readonly goals = new Goals((partition) => this.readings.get(partition)?.next);
  private lookAtMs = 0;
  private stopping = false;

  private constructor(
    private readonly parts: FollowingParts,
    starts: ReadonlyMap<number, bigint>,
    ends: ReadonlyMap<number, bigint>,
    topicId: string,
  ) {
    this.failed = this.failure.promise;
    this.fetcher = new Fetcher(parts.cluster, parts.topic, parts.lane, (cause) => this.end(cause));
    for (const [partition, start] of starts) this.read(partition, start, topicId);
    this.caughtUp = this.reach(ends);
    this.caughtUp.catch(() => {}); // Nobody has to wait for it.
    this.running = this.run();
  }

  /** Rejects if the topic does not exist, or the brokers cannot be reached now. */
  static async start(parts: FollowingParts, from: 'beginning' | 'end'): Promise<TopicFollowing> {
    const { cluster, topic } = parts;
    const { id, leaders } = await cluster.topic(topic, 0);
    const partitions = [...leaders.keys()];
    const [starts, ends] = await Promise.all([
      cluster.offsets(topic, partitions, from === 'end' ? LATEST : EARLIEST),
      cluster.offsets(topic, partitions, LATEST),
    ]);
    return new TopicFollowing(parts, from === 'end' ? ends : starts, ends, id);
  }

  async catchUp(): Promise<void> {
    const { cluster, topic } = this.parts;
    const backoff = new Backoff();
    while (!this.goals.ended) {
      try {
        const { leaders } = await cluster.topic(topic);
        return await this.reach(await cluster.offsets(topic, [...leaders.keys()], LATEST));
      } catch (error) {
        if (this.goals.ended) break;
        if (error instanceof EventLogError) throw error;
        await sleep(backoff.take());
      }
    }
    throw this.goals.ended;
  }

  async close(): Promise<void> {
    this.stopping = true;
    this.bell.ring();
    await this.running;
  }

  private async run(): Promise<void> {
    try {
      while (!this.stopping && !this.goals.ended) await this.pass();
    } catch (error) {
      this.end(asError(error));
    }
    if (this.goals.ended) this.failure.resolve(this.goals.ended);
    this.end(new EventLogError(`following ${this.parts.topic} was closed`));
    await this.fetcher.close();
    this.parts.onEnd(this);
  }

  private end(cause: Error): void {
    this.goals.end(cause);
    this.bell.ring();
  }

  /** Takes one chunk of each partition that has news; sleeps if none has. */
  private async pass(): Promise<void> {
    await this.lookForPartitions();
    const news = [...this.readings.values()].filter(({ hasNews }) => hasNews);
    for (const reading of news) await this.deliver(reading);
    this.goals.meet();
    if (news.length === 0) await this.bell.wait(this.parts.lookEveryMs);
  }

  private async deliver(reading: PartitionReading): Promise<void> {
    await this.parts.turns.next();
    if (this.stopping || this.goals.ended) return;
    if (reading.detour) return this.startOver(reading);
    const { records, next } = reading.take(MAX_BATCH);
    if (records.length > 0) await this.parts.handler.records(reading.partition, records);
    reading.next = next;
  }

  /** Goes on with the oldest record that is left; those who wait for what is gone need not. */
  private async startOver(reading: PartitionReading): Promise<void> {
    const { cluster, topic } = this.parts;
    const { partition } = reading;
    try {
      const { id, leaders } = await cluster.topic(topic);
      if (partition >= leaders.length) throw new Error(`partition ${partition} of ${topic} is gone`);
      const [oldest, ends] = await Promise.all([EARLIEST, LATEST].map((at) => cluster.offsets(topic, [partition], at)));
      this.goals.move(partition, ends!.get(partition)!);
      reading.seek(oldest!.get(partition)!, id);
    } catch {
      await this.bell.wait(1_000);
    }
  }

  private async lookForPartitions(): Promise<void> {
    const { cluster, topic, lookEveryMs } = this.parts;
    if (performance.now() < this.lookAtMs) return;
    this.lookAtMs = performance.now() + lookEveryMs;
    try {
      const { id, leaders } = await cluster.topic(topic);
      for (const partition of leaders.keys()) if (!this.readings.has(partition)) this.read(partition, 0n, id);
    } catch {
      // The fetcher meets it too, and goes on trying.
    }
  }

  private read(partition: number, start: bigint, topicId: string): void {
    const reading = new PartitionReading(
      partition,
      () => this.bell.ring(),
      () => this.fetcher.wake(),
    );
    this.readings.set(partition, reading);
    this.fetcher.add(reading);
    reading.seek(start, topicId);
  }

  private reach(ends: ReadonlyMap<number, bigint>): Promise<void> {
    const reached = this.goals.reach(ends);
    this.bell.ring();
    return reached;
  }
}
