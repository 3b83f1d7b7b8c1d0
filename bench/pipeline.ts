import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { encodeEvent, EventSource, topicsOf } from '#libs/contracts';
import { openEventLog, type EventLog, type OutgoingRecord } from '#libs/event-log';
import { Logger } from '#libs/runtime';
import { FleetView } from '../apps/aggregator/core/fleet-view.js';
import type { PartitionState } from '../apps/aggregator/core/partition-state.js';
import { PartitionConsumer } from '../apps/aggregator/in/partition-consumer.js';
import { DeadLetters } from '../apps/aggregator/out/dead-letters.js';
import { RollupPublisher } from '../apps/aggregator/out/rollup-publisher.js';
import type { BenchRow } from './bench-row.js';
import { countWithKafkajs, deleteTopics } from './kafka.js';
import { cpuSeconds, residentMegabytes } from './processes.js';
import { EVENTS_PER_REQUEST, traffic } from './traffic.js';

const REQUESTS = 100_000;
const EVENTS = REQUESTS * EVENTS_PER_REQUEST;
const PARTITIONS = 6;
const BATCH = 1000;
const DEADLINE_MS = 120_000;
const IDLE_SECONDS = 10;
/** 20,000 requests a second, which is 80,000 events: about what the bars ask for. */
const MS_BETWEEN_REQUESTS = 0.05;

/** A real aggregator on the broker of KAFKA_BROKERS: what it costs from Kafka's bytes to published, answered state; beside a kafkajs consumer that only counts. */
export async function run(): Promise<BenchRow[]> {
  const brokers = process.env['KAFKA_BROKERS'];
  if (!brokers) {
    console.error('SKIPPED: pipeline: it needs a broker; start one with `npm run kafka` and set KAFKA_BROKERS=host:port');
    return [];
  }
  const rows: BenchRow[] = [];
  for (const [series, bar] of [
    [1_000, 100_000],
    [20_000, 60_000],
  ] as const) {
    const prefix = `bench-${randomUUID()}.`;
    const log = await openEventLog(`kafka://${brokers}`);
    try {
      rows.push(...(await rowsOf({ log, brokers, prefix, series, bar })));
    } finally {
      await log.close();
      await deleteTopics(
        brokers,
        Object.values(topicsOf(prefix)).map(({ name }) => name),
      );
    }
  }
  return rows;
}

interface Run {
  readonly log: EventLog;
  readonly brokers: string;
  readonly prefix: string;
  readonly series: number;
  readonly bar: number;
}

async function rowsOf({ log, brokers, prefix, series, bar }: Run): Promise<readonly BenchRow[]> {
  const aggregator = await Aggregator.start(brokers, prefix);
  try {
    const topic = topicsOf(prefix).requests.name;
    const batches = batchesOf(series);
    const inputBytes = batches.flat().reduce((sum, { value }) => sum + (value?.byteLength ?? 0), 0);
    const before = aggregator.cpuSeconds();
    const rollupsBefore = await aggregator.rollupBytes();
    for (const batch of batches) await log.append(topic, batch);
    await aggregator.counted(REQUESTS);
    const whole = EVENTS / (aggregator.cpuSeconds() - before);
    const percent = (100 * ((await aggregator.rollupBytes()) - rollupsBefore)) / inputBytes;
    const counting = process.cpuUsage();
    await countWithKafkajs(brokers, topic, EVENTS);
    const { user, system } = process.cpuUsage(counting);
    const kafkajsRate = (EVENTS * 1e6) / (user + system);
    const fold = await foldRate(log, prefix, series);
    const idle = await idleBytes(log, topic, aggregator);
    const name = (what: string): string => `${what}, ${series} series`;
    return [
      { name: name('Kafka to published state'), value: fold, unit: 'events/s', bar: `>= ${bar}`, met: fold >= bar },
      { name: name('a kafkajs consumer that only counts'), value: kafkajsRate, unit: 'events/s' },
      { name: name('only counting against Kafka to published state'), value: kafkajsRate / fold, unit: 'ratio' },
      { name: name('the whole process: fold, view, alerts, an answer twice a second'), value: whole, unit: 'events/s' },
      { name: name('rollups under load, of the input'), value: percent, unit: '%', bar: '<= 10', met: percent <= 10 },
      { name: name('rollups when idle, per partition'), value: idle, unit: 'KB/s', bar: '<= 10', met: idle <= 10 },
      { name: name('aggregator, resident memory'), value: residentMegabytes(aggregator.pid), unit: 'MB' },
    ];
  } finally {
    await aggregator.stop();
  }
}

/** The consumer of request events alone, in this process, with all that it publishes: events per second of CPU time. */
async function foldRate(log: EventLog, prefix: string, series: number): Promise<number> {
  const topics = topicsOf(prefix);
  const limits = { models: [], maxModels: series, maxTenants: 200 };
  const folded: PartitionState[] = [];
  const consumer = new PartitionConsumer({
    input: 'requests',
    topic: topics.requests.name,
    limits,
    view: new FleetView(limits),
    catchUp: async () => {},
    deadLetters: new DeadLetters(log, topics.deadLetter.name),
    publisherOf: (partition, state, since) => {
      folded.push(state);
      const place = {
        topic: topics.rollups.name,
        topicPartition: partition,
        input: 'requests',
        partition,
        writer: `bench.${partition}`,
      } as const;
      return new RollupPublisher({ log, ...place }, state, since);
    },
    logger: new Logger('bench', 'error'),
  });
  const before = process.cpuUsage();
  const consumption = await log.consume(topics.requests.name, `bench-${randomUUID()}`, consumer);
  while (folded.reduce((sum, { next }) => sum + Number(next), 0) < EVENTS) {
    await wait(1_000);
    await consumer.publish();
  }
  await consumption.close();
  const { user, system } = process.cpuUsage(before);
  return (EVENTS * 1e6) / (user + system);
}

/** In the order in which a gateway sends. Encoded ahead, so that appending is all that this process does beside. */
function batchesOf(series: number): readonly (readonly OutgoingRecord[])[] {
  const msBetweenRequests = MS_BETWEEN_REQUESTS;
  const startMs = Date.now() - REQUESTS * msBetweenRequests;
  const records = traffic({ requests: REQUESTS, series, partitions: PARTITIONS, startMs, msBetweenRequests }).map(
    ({ partition, key, event }) => ({
      partition,
      key,
      value: encodeEvent(event),
    }),
  );
  return Array.from({ length: Math.ceil(records.length / BATCH) }, (_, index) => records.slice(index * BATCH, (index + 1) * BATCH));
}

/** KB a second that each partition's rollups take while ten gateways do nothing but beat. */
async function idleBytes(log: EventLog, topic: string, aggregator: Aggregator): Promise<number> {
  const gateways = Array.from({ length: 10 }, (_, index) => new EventSource(`/gateways/idle-${index}`, 'boot'));
  const gauges = {
    waiting: 0,
    running: 0,
    peak_running: 0,
    max_concurrent: 256,
    max_queue: 1024,
    received_total: 0,
    spooled: 0,
    dropped: 0,
  };
  await wait(2_000);
  const before = await aggregator.rollupBytes();
  for (let second = 0; second < IDLE_SECONDS; second += 1) {
    const beats = gateways.flatMap((source, index) =>
      Array.from({ length: PARTITIONS }, (_, partition) => {
        const heartbeat = { ...gauges, version: 'bench' };
        const event = source.stamp('io.inferometer.gateway.heartbeat.v1', partition, `idle-${index}`, heartbeat, Date.now());
        return { partition, key: `idle-${index}`, value: encodeEvent(event) };
      }),
    );
    await log.append(topic, beats);
    await wait(1_000);
  }
  return ((await aggregator.rollupBytes()) - before) / IDLE_SECONDS / PARTITIONS / 1000;
}

/** An aggregator in a process of its own. */
class Aggregator {
  private constructor(
    private readonly child: ChildProcess,
    private readonly url: string,
  ) {}

  static async start(brokers: string, prefix: string): Promise<Aggregator> {
    const settings = { EVENT_LOG_URL: `kafka://${brokers}`, EVENT_LOG_TOPIC_PREFIX: prefix, PORT: '0', MAX_MODELS: '10000' };
    const child = spawn(process.execPath, ['--max-semi-space-size=32', 'dist/apps/aggregator/main.js'], {
      env: { ...process.env, ...settings },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const listening = Promise.withResolvers<string>();
    createInterface(child.stderr).on('line', (line) => {
      const url = /listening on (\S+)/.exec(line)?.[1];
      if (url !== undefined) listening.resolve(url);
    });
    child.once('exit', () => listening.reject(new Error('the aggregator ended before it listened')));
    const aggregator = new Aggregator(child, await listening.promise);
    await aggregator.until('it is ready', async () => (await fetch(`${aggregator.url}/health/ready`)).ok);
    return aggregator;
  }

  get pid(): number {
    return this.child.pid!;
  }

  cpuSeconds(): number {
    return cpuSeconds(this.pid);
  }

  async counted(requests: number): Promise<void> {
    await this.until(`${requests} requests are answered`, async () => {
      const answer = await fetch(`${this.url}/api/v1/metrics`);
      return ((await answer.json()) as { requests: { successful: number } }).requests.successful === requests;
    });
  }

  async rollupBytes(): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const sizes = [...text.matchAll(/^inferometer_rollups_published_size_bytes_total\{.*\} (\S+)$/gm)].map((match) => Number(match[1]));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  async stop(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.kill();
    await exited;
  }

  private async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS;
    while (!(await holds().catch(() => false))) {
      if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
      await wait(500);
    }
  }
}
