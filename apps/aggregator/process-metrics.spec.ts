import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeEvent, encodeEvent, EventSource, topicsOf, type InferometerEvent } from '#libs/contracts';
import { openEventLog, type EventLog } from '#libs/event-log';
import { Logger, SettingsReader, type RunningApp } from '#libs/runtime';
import { missingIn, undeclaredIn } from '../../test/support/declared.js';
import { hasPromtool, openMetricsProblems, textProblems } from '../../test/support/promtool.js';
import { heartbeat, interleaved, LIMITS, onePlanned } from '../../test/support/traffic.js';
import { waitFor } from '../../test/support/wait.js';
import { startAggregator } from './app.js';
import { PartitionState } from './core/partition-state.js';
import { AGGREGATOR_INSTRUMENTS } from './in/instruments.js';
import { RollupPublisher } from './out/rollup-publisher.js';
import { aggregatorSettings } from './settings.js';

const TOPICS = topicsOf();
const IN_PARTITION = `{topic="${TOPICS.requests.name}",partition="0"}`;
const DELTAS = 'inferometer_rollups_published_total{kind="delta"}';
const OF_TOPIC = `{topic="${TOPICS.requests.name}"}`;

let log: EventLog;
const open: (RunningApp & { readonly url: string })[] = [];

beforeEach(async () => {
  log = await openEventLog('memory:');
  await log.ensureTopics(Object.values(TOPICS));
});
afterEach(async () => {
  for (const aggregator of open.splice(0)) await aggregator.drain();
  await log.close();
});

async function start(env: Readonly<Record<string, string>> = {}): Promise<string> {
  const settings = aggregatorSettings(new SettingsReader({ PORT: '0', SNAPSHOT_INTERVAL_MS: '50', ...env }));
  const aggregator = await startAggregator(settings, log, new Logger('test', 'error'));
  open.push(aggregator);
  return aggregator.url;
}

const scrape = async (url: string, headers: Record<string, string> = {}): Promise<string> =>
  (await fetch(`${url}/metrics`, { headers })).text();

function valueIn(text: string, sample: string): number | undefined {
  const line = text.split('\n').find((each) => each.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.slice(sample.length + 1));
}

/** The text of the first scrape that holds; the last values seen are told where none does. */
const until = (url: string, samples: Readonly<Record<string, number>>): Promise<string> =>
  waitFor(JSON.stringify(samples), async () => {
    const text = await scrape(url);
    const seen = Object.fromEntries(Object.keys(samples).map((sample) => [sample, valueIn(text, sample)]));
    if (Object.entries(samples).every(([sample, value]) => seen[sample] === value)) return text;
    throw new Error(JSON.stringify(seen));
  });

const append = (events: readonly InferometerEvent[]): Promise<void> =>
  log.append(
    TOPICS.requests.name,
    events.map((event) => ({ partition: 0, key: event.subject, value: encodeEvent(event) })),
  );

const source = (): EventSource => new EventSource('/gateways/gw', 'boot-1');
const planned = (id: string) => onePlanned({ id, end: 'completed', durationMs: 800 });

describe('/metrics of an aggregator', () => {
  it('tells of its fold and of what it publishes', async () => {
    const url = await start();
    const gateway = source();
    const events = [heartbeat(gateway, 0, Date.now(), 1), ...interleaved([planned('a'), planned('b')], gateway)];
    // The last but one is missing, and the second comes twice.
    await append([...events.slice(0, -2), events.at(-1)!, events[1]!]);
    await log.append(TOPICS.requests.name, [{ partition: 0, key: 'k', value: Buffer.from('{') }]);
    const text = await until(url, {
      [`inferometer_fold_duplicates_total${IN_PARTITION}`]: 1,
      [`inferometer_fold_missing${IN_PARTITION}`]: 1,
      [`inferometer_fold_gap_total${IN_PARTITION}`]: 0,
      'inferometer_dead_letters_total{reason="not_json"}': 1,
      'inferometer_dead_letters_total{reason="empty"}': 0,
      [`inferometer_consumer_lag${IN_PARTITION}`]: 0,
      [`inferometer_consumer_partitions_owned${OF_TOPIC}`]: TOPICS.requests.partitions,
      [`inferometer_consumer_partitions_assigned_total${OF_TOPIC}`]: TOPICS.requests.partitions,
      [`inferometer_consumer_partitions_revoked_total${OF_TOPIC}`]: 0,
      inferometer_event_log_connected: 1,
      inferometer_rollups_rejected_total: 0,
    });
    const records = valueIn(text, `inferometer_fold_records_total${OF_TOPIC}`)!;
    expect(records).toBeGreaterThan(events.length);
    expect(valueIn(text, `inferometer_fold_events_total${OF_TOPIC}`)).toBe(records - 1);
    expect(valueIn(text, 'inferometer_view_age_seconds')).toBeLessThan(10);
    const published = await waitFor('a published delta', async () => {
      const scraped = await scrape(url);
      return (valueIn(scraped, 'inferometer_rollups_published_size_bytes_total{kind="delta"}') ?? 0) > 0 && scraped;
    });
    expect(valueIn(published, DELTAS)).toBeGreaterThan(0);
    expect(valueIn(published, 'inferometer_rollups_age_seconds')).toBeLessThan(10);
    expect(undeclaredIn(published, [AGGREGATOR_INSTRUMENTS])).toEqual([]);
    // A base is not due yet.
    expect(missingIn(published, [AGGREGATOR_INSTRUMENTS])).toEqual([
      'inferometer_rollups_base_size_bytes',
      'inferometer_rollups_base_age_seconds',
    ]);
  });

  it('tells of the newest base of what it owns', async () => {
    const place = { topic: TOPICS.rollups.name, topicPartition: 0, input: 'requests', partition: 0, writer: 'before.1' } as const;
    const state = new PartitionState(LIMITS);
    const publisher = new RollupPublisher({ log, ...place }, state, { bytes: 0, records: 0, baseBytes: 0 });
    await append([heartbeat(source(), 0, Date.now(), 1)]);
    const following = await log.follow(TOPICS.requests.name, 'beginning', {
      records: (_partition, records) => {
        for (const record of records) {
          const decoded = decodeEvent(record.value);
          publisher.add(record, decoded, 0);
          state.apply(record, decoded);
        }
      },
    });
    await following.caughtUp;
    await following.close();
    await publisher.writeBase(0);
    await publisher.publish(0);
    const text = await until(await start(), { [`inferometer_consumer_lag${IN_PARTITION}`]: 0 });
    expect(valueIn(text, `inferometer_rollups_base_size_bytes${IN_PARTITION}`)).toBeGreaterThan(100);
    expect(valueIn(text, `inferometer_rollups_base_age_seconds${IN_PARTITION}`)).toBeLessThan(30);
    expect(valueIn(text, 'inferometer_restore_records')).toBeGreaterThanOrEqual(2);
  });

  it('shows what waits while the fold cannot go on', async () => {
    const store = log.append.bind(log);
    let isAway = true;
    log.append = async (topic, records) => {
      if (topic === TOPICS.deadLetter.name && isAway) throw new Error('away');
      return store(topic, records);
    };
    const url = await start();
    await append([heartbeat(source(), 0, Date.now(), 1)]);
    await until(url, { [`inferometer_consumer_lag${IN_PARTITION}`]: 0 });
    await log.append(
      TOPICS.requests.name,
      Array.from({ length: 3 }, () => ({ partition: 0, key: 'k', value: null })),
    );
    const lag = `inferometer_consumer_lag${IN_PARTITION}`;
    const text = await waitFor('a lag', async () => {
      const scraped = await scrape(url);
      return (valueIn(scraped, lag) ?? 0) >= 3 && scraped;
    });
    const age = valueIn(text, `inferometer_consumer_lag_time_seconds${IN_PARTITION}`)!;
    await waitFor(
      'an older last record',
      async () => valueIn(await scrape(url), `inferometer_consumer_lag_time_seconds${IN_PARTITION}`)! > age,
    );
    isAway = false;
    const after = await until(url, { [lag]: 0, [`inferometer_consumer_lag_time_seconds${IN_PARTITION}`]: 0 });
    expect(valueIn(after, 'inferometer_dead_letters_total{reason="empty"}')).toBe(3);
  });

  it('tells of partitions that move, and is silent about those that are another’s', async () => {
    const first = await start();
    const partitionsOf = async (url: string): Promise<number[]> => {
      const text = await scrape(url);
      const samples = text.matchAll(/^inferometer_consumer_lag\{topic="inferometer\.requests",partition="(\d+)"\}/gm);
      return Array.from(samples, ([, partition]) => Number(partition));
    };
    await waitFor('all partitions', async () => (await partitionsOf(first)).length === TOPICS.requests.partitions);
    await append([heartbeat(source(), 0, Date.now(), 1)]);
    await waitFor('a rollup', async () => (valueIn(await scrape(first), DELTAS) ?? 0) > 0);
    const second = await start();
    await waitFor('a share for each', async () => {
      const [mine, others] = [await partitionsOf(first), await partitionsOf(second)];
      return (
        others.length > 0 &&
        mine.length + others.length === TOPICS.requests.partitions &&
        !others.some((partition) => mine.includes(partition))
      );
    });
    expect(valueIn(await scrape(first), `inferometer_consumer_partitions_revoked_total${OF_TOPIC}`)).toBeGreaterThan(0);
    expect(valueIn(await scrape(second), 'inferometer_restore_records')).toBeGreaterThan(0);
  });

  it('asks for the token where one is set, as its other routes do', async () => {
    const url = await start({ API_TOKEN: 'T0ken' });
    const [own, fleet] = [await fetch(`${url}/metrics`), await fetch(`${url}/metrics/prometheus`)];
    expect([own.status, await own.json()]).toEqual([fleet.status, await fleet.json()]);
    expect(await scrape(url, { authorization: 'Bearer T0ken' })).toContain('inferometer_build_info{app="aggregator"');
  });

  it.skipIf(!hasPromtool())('is what Prometheus reads without complaint', async () => {
    const url = await start();
    await append([heartbeat(source(), 0, Date.now(), 1)]);
    await until(url, { [`inferometer_consumer_lag${IN_PARTITION}`]: 0 });
    expect(textProblems(await scrape(url))).toBe('');
    expect(openMetricsProblems(await scrape(url, { accept: 'application/openmetrics-text' }))).toBe('');
  });
});
