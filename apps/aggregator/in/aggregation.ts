import { EventSource, topicsOf, type Topics } from '#libs/contracts';
import { EventLog, Outbox, type Consumption, type Following } from '#libs/event-log';
import { VERSION, type Logger } from '#libs/runtime';
import { INPUTS, type Input } from '../core/fleet-view.js';
import { DeadLetters } from '../out/dead-letters.js';
import { FleetAnswers } from '../out/fleet-answers.js';
import { RollupPublisher } from '../out/rollup-publisher.js';
import type { AggregatorSettings } from '../settings.js';
import { PartitionConsumer } from './partition-consumer.js';

/** A partition without a record for this long gets a heartbeat of ours, so that log time moves on when every producer is gone. */
const SILENCE_MS = 1000;
const ALERT_INTERVAL_MS = 1000;
const ERASE_INTERVAL_MS = 60_000;
const GROUP = 'aggregator';

interface InputFlow {
  readonly consumer: PartitionConsumer;
  readonly consumption: Consumption;
  readonly outbox: Outbox;
}

/** What one aggregator does all day: follows the rollups, folds the partitions it owns, publishes, watches the alerts. */
export class Aggregation {
  /** Resolves with the cause if consuming or following dies for good. */
  readonly failed: Promise<Error>;
  private fail!: (cause: Error) => void;
  private readonly topics: Topics;
  private readonly replica: string;
  private readonly deadLetters: DeadLetters;
  private readonly timers: NodeJS.Timeout[] = [];
  private flows: readonly InputFlow[] = [];
  private following: Following | undefined;
  private publishing: Promise<void> | undefined;

  constructor(
    private readonly log: EventLog,
    private readonly settings: AggregatorSettings,
    private readonly answers: FleetAnswers,
    private readonly logger: Logger,
    private readonly bootId: string,
  ) {
    this.topics = topicsOf(settings.eventLog.topicPrefix);
    this.replica = bootId;
    this.deadLetters = new DeadLetters(log, this.topics.deadLetter.name);
    this.failed = new Promise((resolve) => {
      this.fail = resolve;
    });
  }

  /** True while the fold runs and the view is fresh. */
  get ready(): boolean {
    return this.flows.length === INPUTS.length && !this.answers.stale;
  }

  /** Resolves when the view holds every snapshot stored before, and the partitions are joined for. */
  async start(): Promise<void> {
    const { view } = this.answers;
    this.following = await this.log.follow(this.topics.rollups.name, 'beginning', {
      records: (_partition, records) => {
        for (const { key, value, timestampMs } of records) view.put(key, value, timestampMs);
      },
    });
    void this.following.failed.then(this.fail);
    await this.following.caughtUp;
    await this.answers.warmUp();
    this.flows = await Promise.all(INPUTS.map((input) => this.startInput(input)));
    this.every(this.settings.snapshotIntervalMs, () => this.publish());
    this.every(SILENCE_MS / 2, () => this.breakSilence());
    this.every(ALERT_INTERVAL_MS, () => this.watchAlerts());
    this.every(ERASE_INTERVAL_MS, () => this.eraseAbandoned());
  }

  /** Stops consuming, publishes what is folded, and stops following. */
  async close(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    this.deadLetters.close();
    await this.publishing;
    for (const { consumption, outbox } of this.flows) {
      await outbox.close();
      await consumption.close();
    }
    await this.following?.close();
  }

  private async startInput(input: Input): Promise<InputFlow> {
    const topic = this.topics[input].name;
    const consumer = new PartitionConsumer({
      input,
      topic,
      limits: this.settings.labels,
      view: this.answers.view,
      deadLetters: this.deadLetters,
      publisherOf: (partition) => new RollupPublisher(this.log, this.topics.rollups.name, input, partition, this.replica),
    });
    const partitions = await this.log.partitions(topic);
    const outbox = new Outbox(this.log, topic, partitions, new EventSource(`/aggregators/${this.replica}`, this.bootId));
    const consumption = await this.log.consume(topic, GROUP, consumer);
    void consumption.failed.then(this.fail);
    return { consumer, consumption, outbox };
  }

  private publish(): void {
    this.publishing ??= Promise.all(this.flows.map(({ consumer }) => consumer.publish()))
      .then(
        () => undefined,
        (error: unknown) => this.logger.warn(`a snapshot could not be stored, trying again: ${String(error)}`),
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
      consumer.eraseAbandoned().catch((error: unknown) => this.logger.warn(`old snapshots could not be erased: ${String(error)}`));
    }
  }

  private every(intervalMs: number, work: () => void): void {
    this.timers.push(setInterval(work, intervalMs));
  }
}
