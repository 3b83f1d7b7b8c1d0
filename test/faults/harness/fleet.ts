import { randomUUID } from 'node:crypto';
import { topicsOf, type MetricsDocument, type Topics } from '#libs/contracts';
import { openEventLog, type EventLog } from '#libs/event-log';
import { waitFor } from '../../support/wait.js';
import { lineOf, type Ledger } from './ledger.js';
import { LoadGenerator, type Target } from './load-generator.js';
import type { Random } from './plan.js';
import { AppProcess } from './processes.js';

const AGREEMENT_DEADLINE_MS = 60_000;
const MOST_SAID = 12;

/** Some aggregators on topics of their own in one log, and the means to tell them of requests. `close` ends all of it, by force. */
export class Fleet {
  readonly topics: Topics;
  readonly log: EventLog;
  readonly env: Readonly<Record<string, string>>;
  private readonly kills: (() => void)[] = [];
  private generators = 0;

  private constructor(log: EventLog, url: string, prefix: string) {
    this.log = log;
    this.topics = topicsOf(prefix);
    this.env = { EVENT_LOG_URL: url, EVENT_LOG_TOPIC_PREFIX: prefix, LOG_LEVEL: 'info' };
  }

  /** Creates the topics, under a prefix that nobody has used, unless `prepare` has already made them as it needs them. */
  static async on(brokers: string, prepare: (topics: Topics) => Promise<unknown> = async () => {}): Promise<Fleet> {
    const url = `kafka://${brokers}`;
    const fleet = new Fleet(await openEventLog(url), url, `fault-${randomUUID().slice(0, 8)}.`);
    await prepare(fleet.topics);
    await fleet.log.ensureTopics(Object.values(fleet.topics));
    return fleet;
  }

  /** Starts one aggregator; resolves when it listens, which may be before it is ready. */
  aggregator(env: Readonly<Record<string, string>> = {}): Promise<AppProcess> {
    return this.app('aggregator', env);
  }

  aggregators(count: number): Promise<AppProcess[]> {
    return Promise.all(Array.from({ length: count }, () => this.aggregator()));
  }

  /** Starts any app on this fleet's topics. */
  app(name: string, env: Readonly<Record<string, string>> = {}): Promise<AppProcess> {
    return AppProcess.start(name, { ...this.env, ...env }, (kill) => this.kills.push(kill));
  }

  /** A new gateway that tells of requests. */
  generator(random: Random, target: Partial<Target> = {}): LoadGenerator {
    const { name: topic, partitions } = this.topics.requests;
    return new LoadGenerator({ log: this.log, topic, partitions, ...target }, random, `generator-${(this.generators += 1)}`);
  }

  async close(): Promise<void> {
    for (const kill of this.kills) kill();
    await this.log.close();
  }
}

/** Waits until every aggregator says what the ledger says, for every label set and in sum; resolves with their answers. Rejects with the differences. */
export async function agreement(
  aggregators: readonly AppProcess[],
  ledger: Ledger,
  deadlineMs = AGREEMENT_DEADLINE_MS,
): Promise<readonly MetricsDocument[]> {
  return waitFor(
    'the aggregators to agree with the ledger',
    async () => {
      const faults: string[] = [];
      for (const [index, one] of aggregators.entries()) {
        faults.push(...(await differences(one, ledger)).map((fault) => `aggregator ${index}: ${fault}`));
      }
      if (faults.length > 0) throw new Error(faults.slice(0, MOST_SAID).join('\n'));
      return Promise.all(aggregators.map((one) => one.metrics()));
    },
    deadlineMs,
  );
}

async function differences(aggregator: AppProcess, ledger: Ledger): Promise<string[]> {
  const faults: string[] = [];
  for (const labels of ledger.labels) {
    const said = lineOf(await aggregator.metrics({ ...labels }));
    const meant = ledger.lineOf(labels);
    for (const name of ledger.columns) {
      if (said[name] !== meant[name]) faults.push(`${JSON.stringify(labels)}: ${name} ${said[name]}, not ${meant[name]}`);
    }
  }
  const { requests } = await aggregator.metrics();
  if (requests.total !== ledger.total) faults.push(`in all: total ${requests.total}, not ${ledger.total}`);
  return faults;
}
