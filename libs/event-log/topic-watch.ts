import { asError } from './as-error.js';
import { Bell } from './bell.js';
import { EventLogError, type EventLog, type TopicSpec } from './event-log.js';
import type { Outbox } from './outbox.js';
import { prepareTopics, unlessAborted, type TopicLogger } from './prepare-topics.js';
import { TopicKeeper } from './topic-keeper.js';

/** How often the partitions are counted, and how often it is said that the log is still away. */
const LOOK_EVERY_MS = 60_000;
/** That the log has gone, or is back, is said within this time. */
const NOTICE_WITHIN_MS = 1_000;
/** While nothing can be stored, whether the topics are still there is looked at once in so many of these. */
const ROUNDS_BETWEEN_LOOKS = 5;

/** What a producer has to do about its topics. */
export interface WatchedTopics {
  /** All that are made where they are missing. */
  readonly all: readonly TopicSpec[];
  /** The one that the outbox sends to. */
  readonly target: string;
}

/** Makes sure of the topics in the background, and tells an outbox how many partitions its topic has, now and whenever that changes. */
export class TopicWatch {
  private readonly stopping = new AbortController();
  private readonly wake = new Bell();
  private running: Promise<void> = Promise.resolve();
  private readonly keeper: TopicKeeper;
  private wasConnected = true;

  constructor(
    private readonly log: EventLog,
    private readonly topics: WatchedTopics,
    private readonly outbox: Outbox,
    private readonly logger: TopicLogger,
  ) {
    this.keeper = new TopicKeeper(log, topics.all, logger);
  }

  /** Returns at once, and never throws: a producer serves whatever the log does. Wrong credentials are said once a minute. */
  start(): void {
    this.running = this.run();
  }

  /** Does not wait for a log that does not answer. Never rejects. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake.ring();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    try {
      await prepareTopics(this.log, this.topics.all, this.logger, { signal, insistent: true });
    } catch (error) {
      if (!signal.aborted) this.logger.warn(`the topics cannot be prepared: ${asError(error).message}`);
    }
    await this.countPartitions();
    for (let round = 1; !signal.aborted; round += 1) {
      await this.wake.wait(NOTICE_WITHIN_MS);
      const isMinute = (round * NOTICE_WITHIN_MS) % LOOK_EVERY_MS === 0;
      if (isMinute && !signal.aborted) await this.countPartitions();
      if (!signal.aborted) this.notice(isMinute);
      if (!this.outbox.connected && round % ROUNDS_BETWEEN_LOOKS === 0) await unlessAborted(this.keeper.look(), signal).catch(() => {});
    }
  }

  private async countPartitions(): Promise<void> {
    try {
      const count = await unlessAborted(this.log.partitions(this.topics.target), this.stopping.signal);
      if (count > 0) this.outbox.partitions = count;
    } catch (error) {
      if (error instanceof EventLogError && !this.stopping.signal.aborted) this.logger.warn(asError(error).message);
    }
  }

  private notice(isMinute: boolean): void {
    const { connected, queued, spooled, dropped } = this.outbox;
    const hasChanged = connected !== this.wasConnected;
    this.wasConnected = connected;
    if (connected && hasChanged) this.logger.info(`the event log is back; ${queued + spooled} events wait to be sent, oldest first`);
    if (connected || !(hasChanged || isMinute)) return;
    this.logger.warn(`the event log is away: ${queued + spooled} events wait, ${spooled} of them on disk; ${dropped} were dropped so far`);
  }
}
