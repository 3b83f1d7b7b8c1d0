import { randomUUID } from 'node:crypto';
import { EventLogError, type Consumption, type PartitionHandler, type Position } from '../event-log.js';
import { asError } from '../as-error.js';
import { Bell } from '../bell.js';
import { Feeds } from '../feeds.js';
import { Feed, type Reading } from './feed.js';
import type { Groups } from './groups.js';
import type { Topic } from './topic-tables.js';

/** A step that failed for a passing reason is tried again after this time, in ms. */
const RETRY_MS = 500;

/** One member of a consumer group. Whenever the group changes it takes a step towards an even share (see sharing.ts). */
export class GroupMember implements Consumption {
  readonly id = randomUUID();
  readonly failed: Promise<Error>;
  private readonly groups: Groups;
  private readonly reading: Reading;
  private readonly bell = new Bell();
  private readonly feeds: Feeds<Feed>;
  private readonly reportFailure: (cause: Error) => void;
  private running: Promise<void> | undefined;
  private stopping = false;

  constructor(topic: Topic, handler: PartitionHandler, groups: Groups, reading: Reading) {
    this.groups = groups;
    this.reading = reading;
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.failed = promise;
    this.reportFailure = resolve;
    const fail = (cause: unknown): void => this.fail(cause);
    this.feeds = new Feeds((partition) => new Feed(topic, partition, handler, reading, fail), fail);
  }

  /** To be called once the member is stored. */
  start(): void {
    this.running = this.run();
  }

  /** To be called when members or owners have changed. */
  groupChanged(): void {
    this.bell.ring();
  }

  async positions(): Promise<readonly Position[]> {
    const feeds = this.feeds.all().filter(({ started }) => started);
    return feeds
      .toSorted((a, b) => a.partition - b.partition)
      .map(({ partition, next, end }) => ({ partition, next: BigInt(next), end: BigInt(end) }));
  }

  async close(): Promise<void> {
    this.stopping = true;
    this.bell.ring();
    await this.running;
  }

  private async run(): Promise<void> {
    const unwatch = this.reading.watcher.watch([], this.bell);
    while (!this.stopping) {
      const settled = await this.rebalance();
      if (!this.stopping) await this.bell.wait(settled ? undefined : RETRY_MS);
    }
    unwatch();
    await this.feeds.stop(this.feeds.partitions);
    await this.groups.leave(this);
  }

  /** False if it has to be tried again. */
  private async rebalance(): Promise<boolean> {
    try {
      const { owned, excess } = await this.groups.balance(this.id);
      if (!this.stopping) owned.forEach((partition) => this.feeds.start(partition));
      await this.feeds.stop(excess);
      if (excess.length > 0) await this.groups.release(this.id, excess);
      return true;
    } catch (error) {
      if (error instanceof EventLogError) this.fail(error);
      return false;
    }
  }

  private fail(cause: unknown): void {
    this.stopping = true;
    this.reportFailure(asError(cause));
    this.bell.ring();
  }
}
