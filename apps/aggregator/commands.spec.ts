import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeEvent, topicsOf, type InferometerEvent, type MetricsDocument } from '#libs/contracts';
import { openEventLog, type EventLog } from '#libs/event-log';
import { Logger, SettingsReader, type RunningApp } from '#libs/runtime';
import { gateway } from '../../test/support/fold.js';
import { RollupWriter } from '../../test/support/rollups.js';
import { heartbeat, interleaved, onePlanned, recordsOf, START_MS } from '../../test/support/traffic.js';
import { waitFor } from '../../test/support/wait.js';
import { startAggregator } from './app.js';
import { rollupKey, type RollupPart } from './core/rollup-keys.js';
import { aggregatorSettings } from './settings.js';
import type { Terminal } from './in/command.js';
import { REBUILD_USAGE, rebuildCommand } from './in/rebuild-command.js';
import { VERIFY_USAGE, verifyCommand } from './in/verify-command.js';

type Aggregator = RunningApp & { readonly url: string };

const TOPICS = topicsOf();
const DAY_MS = 86_400_000;
const source = gateway();

let folder: string;
let nowMs: number;
let log: EventLog;
let aggregators: Aggregator[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  [nowMs, aggregators] = [START_MS, []];
  log = await openEventLog(`file:${folder}`, { now: () => nowMs });
  await log.ensureTopics(Object.values(TOPICS));
});

afterEach(async () => {
  for (const aggregator of aggregators) await aggregator.drain();
  await log.close();
  rmSync(folder, { recursive: true, maxRetries: 3 });
});

async function run(command: typeof verifyCommand, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const [out, error]: [string[], string[]] = [[], []];
  const terminal: Terminal = { out: (text) => void out.push(text), error: (text) => void error.push(text) };
  const code = await command(args, { EVENT_LOG_URL: `file:${folder}`, ...env }, terminal);
  return { code, out, error: error.join('\n') };
}

async function start(): Promise<Aggregator> {
  const settings = aggregatorSettings(new SettingsReader({ PORT: '0', SNAPSHOT_INTERVAL_MS: '50' }));
  const aggregator = await startAggregator(settings, log, new Logger('test', 'error'));
  aggregators.push(aggregator);
  return aggregator;
}

async function stop(aggregator: Aggregator): Promise<void> {
  aggregators = aggregators.filter((each) => each !== aggregator);
  await aggregator.drain();
}

async function metrics({ url }: Aggregator): Promise<MetricsDocument> {
  const { body } = await request(`${url}/api/v1/metrics?window=all`);
  return (await body.json()) as MetricsDocument;
}

const until = (aggregator: Aggregator, total: number) =>
  waitFor(`${total} requests`, async () => {
    const document = await metrics(aggregator);
    return document.requests.total === total && document;
  });

function append(events: readonly InferometerEvent[], partition = 0): Promise<void> {
  return log.append(
    TOPICS.requests.name,
    events.map((event) => ({ partition, key: event.subject, value: encodeEvent(event) })),
  );
}

/** Two requests, six events. */
const events = (id: string) =>
  interleaved([onePlanned({ id: `${id}-a`, end: 'completed' }), onePlanned({ id: `${id}-b`, end: 'failed' })], source);

function publish(writer: RollupWriter, parts: readonly RollupPart[]): Promise<void> {
  const keyed = parts.map(({ name, value }) => ({
    partition: 0,
    key: rollupKey({ input: 'requests', partition: 0, writer: writer.writer, name }),
    value,
  }));
  return log.append(TOPICS.rollups.name, keyed);
}

describe('verify', () => {
  it('finds no difference after whatever aggregators did, and leaves alone what is there', async () => {
    const first = await start();
    await append(events('one'));
    await log.append(TOPICS.requests.name, [{ partition: 3, key: 'k', value: Buffer.from('{') }]);
    await until(first, 2);
    await stop(first);
    const [again, ...rest] = events('two');
    await append([again!, ...rest, again!]);
    const second = await start();
    const before = await until(second, 4);
    const { code, out, error } = await run(verifyCommand);
    expect([code, error, out.at(-1)]).toEqual([0, '', `no difference in ${out.length - 1} partitions`]);
    expect(out.find((line) => line.startsWith('requests 0: ok, epoch 0, offset '))).toBeDefined();
    expect((await metrics(second)).requests).toEqual(before.requests);
  });

  it('names each number that is not what the input makes', async () => {
    const all = events('one');
    await append(all);
    const writer = new RollupWriter();
    const wrong = recordsOf(all).map((record) => ({ ...record, timestampMs: START_MS }));
    const poison = { ok: false, reason: 'not_json', detail: '' } as const;
    writer.fold(wrong.map((record, index) => (index === 5 ? { ...record, decoded: poison } : record)));
    await publish(writer, writer.delta());
    const { code, out } = await run(verifyCommand);
    expect(code).toBe(1);
    expect(out[0]).toMatch(/^requests 0: \d+ differences, epoch 0, offset 6$/);
    expect(out).toContain('  head.undecodable.0: published ["not_json",1], folded nothing');
    expect(out.at(-1)).toBe('differences in 1 of 1 partitions');
  });

  it('compares what can be compared where the oldest records are gone', async () => {
    await append(events('old'));
    nowMs += DAY_MS;
    await append([heartbeat(source, 0, nowMs, 1)]);
    const owner = new RollupWriter();
    const old = recordsOf([...events('older')]).map((record) => ({ ...record, timestampMs: START_MS }));
    owner.fold(old);
    await publish(owner, owner.delta());
    nowMs = START_MS + 7.5 * DAY_MS;
    await (log as EventLog & { maintain(): Promise<void> }).maintain();
    const { code, out } = await run(verifyCommand);
    expect(out[0]).toBe('requests 0: epoch 0, offset 6: every record below is gone by retention, nothing to compare');
    expect(code).toBe(0);
    owner.fold([{ offset: 6n, timestampMs: START_MS + DAY_MS, decoded: { ok: true, value: heartbeat(source, 0, START_MS + DAY_MS, 1) } }]);
    await publish(owner, owner.delta());
    const later = await run(verifyCommand);
    expect(later.out[0]).toContain('older records are gone by retention: compared from offset 6 on');
    expect(later.code).toBe(0);
  });

  it('says that there is nothing to compare where nothing was published', async () => {
    expect(await run(verifyCommand)).toEqual({ code: 1, out: [], error: 'verify: nothing has been published yet' });
  });

  it.each([
    [['--wrong'], {}, 2, VERIFY_USAGE],
    [[], { EVENT_LOG_URL: 'memory:' }, 2, 'verify: memory: holds nothing'],
    [[], { MAX_MODELS: 'many' }, 2, 'verify: MAX_MODELS: "many" is not a whole number'],
    [[], { EVENT_LOG_TOPIC_PREFIX: 'other.' }, 1, 'verify: '],
  ])('with %j and %j says what is wrong', async (args, env, code, message) => {
    const result = await run(verifyCommand, args, env);
    expect(result.code).toBe(code);
    expect(result.error).toContain(message);
  });

  it('tells how it is used', async () => {
    expect(await run(verifyCommand, ['--help'])).toEqual({ code: 0, out: [VERIFY_USAGE], error: '' });
  });
});

describe('rebuild', () => {
  it('counts anew from a point in time, and running aggregators go on from it', async () => {
    const aggregator = await start();
    await append(events('early'));
    await until(aggregator, 2);
    nowMs += 60_000;
    await append(events('late'));
    await until(aggregator, 4);
    const { code, out } = await run(rebuildCommand, ['--from', new Date(START_MS + 30_000).toISOString()]);
    expect(code).toBe(0);
    expect(out.find((line) => line.startsWith('requests 0: epoch 1, offsets '))).toBeDefined();
    await until(aggregator, 2);
    await append(events('later'));
    const after = await until(aggregator, 4);
    expect(after.data_quality).toMatchObject({ reconciled: true, state_gap_events: 0, topics_replaced: 0 });
    await waitFor('everything to be verified', async () => (await run(verifyCommand)).code === 0);
  });

  it('counts everything that is left again from the earliest on, for those who start later', async () => {
    await append(events('one'));
    const wrong = new RollupWriter().fold(recordsOf(events('never')));
    await publish(wrong, [...wrong.delta(), ...wrong.base()]);
    expect((await run(verifyCommand)).code).toBe(1);
    expect((await run(rebuildCommand, ['--from', 'earliest'])).out).toContain('requests 0: epoch 1, offsets 0 to 6');
    expect((await run(verifyCommand)).code).toBe(0);
    expect((await until(await start(), 2)).requests).toMatchObject({ successful: 1, failed: 1 });
  });

  it('does nothing where there is nothing', async () => {
    const { code, out } = await run(rebuildCommand, ['--from', 'earliest']);
    expect([code, out]).toEqual([0, ['the input topics are empty: nothing was published']]);
  });

  it.each([[[]], [['--from', 'yesterday']], [['--form', 'earliest']], [['--from']]])('with %j tells how it is used', async (args) => {
    expect(await run(rebuildCommand, args)).toEqual({ code: 2, out: [], error: REBUILD_USAGE });
  });
});
