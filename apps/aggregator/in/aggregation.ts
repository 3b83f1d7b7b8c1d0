import { setTimeout as sleep } from 'node:timers/promises';
import { EventSource, topicsOf, type Topics } from '#libs/contracts';
import { EventLog, EventLogError, Outbox, prepareTopics, TopicKeeper, type Consumption } from '#libs/event-log';
import { VERSION, type Logger } from '#libs/runtime';
import { INPUTS, writerName, type Input } from '../core/rollup-keys.js';
import { DeadLetters } from '../out/dead-letters.js';
import { FleetAnswers } from '../out/fleet-answers.js';
import { RollupPublisher } from '../out/rollup-publisher.js';
import { RollupTally } from '../out/rollup-tally.js';
import type { AggregatorSettings } from '../settings.js';
import { AsideWatch } from './aside-watch.js';
import { LogWatch } from './log-watch.js';
import { PartitionConsumer } from './partition-consumer.js';
import { RollupFollowing, type Restored } from './rollup-following.js';

/** A partition without a record for this long gets a heartbeat of ours, so that log time moves on when every producer is gone. */
const SILENCE_MS = 1000;
const ALERT_INTERVAL_MS = 1000;
const ERASE_INTERVAL_MS = 60_000;
const TOPICS_INTERVAL_MS = 5_000;
/** That the log has gone, or is back, is said within this time. */
const NOTICE_WITHIN_MS = 1000;
const RETRY_MS = 1000;
/** About once a minute. */
const SAY_EVERY_TRIES = 60;
/** A partition is refused if what was published cannot be read within this. */
const CATCH_UP_LIMIT_MS = 60_000;
const GROUP = 'aggregator';

/** One input topic, and what is done with it. */
export interface InputFlow {
  readonly input: Input;
  readonly topic: string;
  readonly consumer: PartitionConsumer;
  readonly consumption: Consumption;
  readonly outbox: Outbox;
}

/** What one aggregator does all day: follows the rollups, folds the partitions it owns, publishes, watches the alerts. */
export class Aggregation {
  /** Resolves with the cause if it dies for good. */
  readonly failed: Promise<Error>;
  /** Resolves if the log cannot be reached at the start: then that takes as long as it takes. */
  readonly held: Promise<void>;
  private fail!: (cause: Error) => void;
  private hold!: () => void;
  private readonly topics: Topics;
  /** What was put aside, and what was published. */
  readonly deadLetters: DeadLetters;
  readonly published: RollupTally;
  private readonly rollups: RollupFollowing;
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly closing = new AbortController();
  private readonly flows: InputFlow[] = [];
  private starting: Promise<void> | undefined;
  private publishing: Promise<void> | undefined;
  private terms = 0;

  constructor(
    private readonly log: EventLog,
    private readonly settings: AggregatorSettings,
    private readonly answers: FleetAnswers,
    private readonly logger: Logger,
    private readonly replica: string,
  ) {
    this.topics = topicsOf(settings.eventLog.topicPrefix);
    this.deadLetters = new DeadLetters(log, this.topics.deadLetter.name);
    this.published = new RollupTally(log);
    this.rollups = new RollupFollowing(log, this.topics.rollups.name, answers.view);
    this.failed = new Promise((resolve) => {
      this.fail = resolve;
    });
    this.held = new Promise((resolve) => {
      this.hold = resolve;
    });
    void this.rollups.failed.then(this.fail);
  }

  /** True while the fold runs and the view is fresh. */
  get ready(): boolean {
    return this.flows.length === INPUTS.length && !this.answers.stale;
  }

  /** The inputs that are joined for. */
  get inputs(): readonly InputFlow[] {
    return this.flows;
  }

  /** True for the one replica that tells others what all of them could: the consumer group elects it. */
  get isSpokesman(): boolean {
    return this.flows.some(({ input, consumer }) => input === 'requests' && consumer.owned.has(0));
  }

  /** The last reading of all rollups. */
  get restored(): Restored | undefined {
    return this.rollups.restored;
  }

  get connected(): boolean {
    return this.log.connected();
  }

  /**
   * Resolves when the view holds everything that was published before, and the partitions are joined for, which takes as long as the log
   * is away; or when it has failed for good.
   */
  start(): Promise<void> {
    this.starting ??= this.run().catch((error: Error) => {
      if (!this.closing.signal.aborted) this.fail(error);
    });
    return this.starting;
  }

  /** Stops consuming, publishes what is folded, and stops following. */
  async close(): Promise<void> {
    this.closing.abort();
    for (const timer of this.timers) clearInterval(timer);
    this.deadLetters.close();
    await this.publishing;
    const { starting } = this;
    const closeAll = async (): Promise<void> => {
      for (const { consumption, outbox } of this.flows.splice(0)) {
        await outbox.close();
        await consumption.close();
      }
      await this.rollups.close();
    };
    await closeAll();
    await starting;
    await closeAll();
  }

  private async run(): Promise<void> {
    const { signal } = this.closing;
    const ear = { info: (message: string) => this.logger.info(message), warn: (message: string) => this.wait(message) };
    await prepareTopics(this.log, Object.values(this.topics), ear, { signal });
    const watch = new LogWatch(this.logger);
    this.every(NOTICE_WITHIN_MS, () => watch.notice(this.log.connected(), performance.now()));
    const aside = new AsideWatch((message) => this.logger.warn(message), VERSION, this.topics.deadLetter.name);
    const whatIsAside = () => ({ deadLetters: this.deadLetters.stored, rejectedRollups: this.answers.view.rejected });
    this.every(NOTICE_WITHIN_MS, () => aside.notice(whatIsAside(), performance.now()));
    const keeper = new TopicKeeper(this.log, Object.values(this.topics), this.logger);
    this.every(TOPICS_INTERVAL_MS, () => void keeper.look());
    await this.insist(() => this.rollups.start());
    await this.answers.warmUp();
    this.watchAlerts();
    this.every(ALERT_INTERVAL_MS, () => this.watchAlerts());
    for (const input of INPUTS) this.flows.push(await this.insist(() => this.startInput(input)));
    this.every(this.settings.snapshotIntervalMs, () => this.publish());
    this.every(SILENCE_MS / 2, () => this.breakSilence());
    this.every(ERASE_INTERVAL_MS, () => this.eraseAbandoned());
  }

  /** Tries for as long as trying makes sense. */
  private async insist<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof EventLogError || this.closing.signal.aborted) throw error;
        // The log may be there, and the topics not be ready: what is said of the log alone would not tell.
        if (tries % SAY_EVERY_TRIES === 0) this.wait(`the event log cannot be read, trying on: ${String(error)}`);
        await sleep(RETRY_MS, undefined, { signal: this.closing.signal });
      }
    }
  }

  private wait(why: string): void {
    this.logger.warn(why);
    this.hold();
  }

  private async startInput(input: Input): Promise<InputFlow> {
    const topic = this.topics[input].name;
    const partitions = await this.log.partitions(topic);
    const rollupPartitions = await this.log.partitions(this.topics.rollups.name);
    const consumer = new PartitionConsumer({
      input,
      topic,
      limits: this.settings.labels,
      view: this.answers.view,
      catchUp: () => this.catchUp(),
      deadLetters: this.deadLetters,
      publisherOf: (partition, state, since) => {
        this.terms += 1;
        const writer = writerName(this.replica, this.terms);
        const place = { topic: this.topics.rollups.name, topicPartition: partition % rollupPartitions, input, partition, writer };
        return new RollupPublisher({ log: this.published, ...place }, state, since);
      },
      logger: this.logger,
    });
    const consumption = await this.log.consume(topic, GROUP, consumer);
    void consumption.failed.then(this.fail);
    const outbox = new Outbox(this.log, topic, partitions, new EventSource(`/aggregators/${this.replica}`, `${this.replica}-${input}`));
    return { input, topic, consumer, consumption, outbox };
  }

  private async catchUp(): Promise<void> {
    const limit = new AbortController();
    const tooLate = sleep(CATCH_UP_LIMIT_MS, undefined, { signal: limit.signal }).then(() => {
      throw new Error(`what was published could not be read within ${CATCH_UP_LIMIT_MS / 1000} s`);
    });
    try {
      await Promise.race([this.rollups.catchUp(), tooLate]);
    } finally {
      tooLate.catch(() => undefined);
      limit.abort();
    }
  }

  private publish(): void {
    this.publishing ??= Promise.all(this.flows.map(({ consumer }) => consumer.publish()))
      .then(
        () => undefined,
        (error: unknown) => this.logger.warn(`rollups could not be stored, trying again: ${String(error)}`),
      )
      .finally(() => {
        this.publishing = undefined;
      });
  }

  /** While the log is away, one heartbeat waits for it, and no more: each would only say that the time before it had been silent. */
  private breakSilence(): void {
    for (const { consumer, outbox } of this.flows) {
      if (outbox.queued > 0) continue;
      for (const partition of consumer.silent(SILENCE_MS)) {
        outbox.offerTo(partition, 'io.inferometer.aggregator.heartbeat.v1', this.replica, { version: VERSION });
      }
    }
  }

  private watchAlerts(): void {
    for (const { name, state, message } of this.answers.tick()) this.logger.info(`alert ${name} is ${state}: ${message}`);
  }

  private eraseAbandoned(): void {
    for (const { consumer } of this.flows) {
      consumer.eraseAbandoned().catch((error: unknown) => this.logger.warn(`old rollups could not be erased: ${String(error)}`));
    }
  }

  private every(intervalMs: number, work: () => void): void {
    if (!this.closing.signal.aborted) this.timers.push(setInterval(work, intervalMs));
  }
}
