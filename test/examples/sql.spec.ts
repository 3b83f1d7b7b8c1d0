import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeEvent, ERROR_TYPES, EventSource } from '#libs/contracts';
import { partitionOf } from '#libs/event-log';
import { beforeAll, describe, expect, it } from 'vitest';
import { Fleet } from '../faults/harness/fleet.js';
import { randomFor, type Random } from '../faults/harness/plan.js';
import { pythonOfExamples } from '../support/examples-python.js';
import { kafkaForTests } from '../support/kafka.js';
import { ROOT } from '../support/shared.js';
import { temporaryFolder } from '../support/stack.js';
import { eventsOf, START_MS, type PlannedRequest } from '../support/traffic.js';

const REQUESTS = 500;
const PARTITIONS = 6;

const kafka = await kafkaForTests();
const python = pythonOfExamples();

type Row = Readonly<Record<string, unknown>>;

function planned(random: Random, index: number): PlannedRequest {
  return {
    id: `r-${index}`,
    model: random.pick(['alpha', '模型', "it's"]),
    tenant: random.pick([undefined, 'blue', 'red']),
    stream: random.chance(0.7),
    started: random.chance(0.9),
    end: random.pick(['completed', 'completed', 'completed', 'failed', 'cancelled', undefined]),
    // A quarter of it, the time to the first token, is a tenth of a millisecond times something, too.
    durationMs: (random.integer(1, 60_000) * 4) / 10,
    outputTokens: random.chance(0.9) ? random.integer(0, 5_000) : undefined,
    pick: random.integer(0, 1_000),
  };
}

/** Writes the events of all requests into the partitions of a fleet's topic, every third event twice. */
async function tell(fleet: Fleet, requests: readonly PlannedRequest[]): Promise<void> {
  const source = new EventSource('/gateways/g', 'boot');
  const records = requests.flatMap((request) => {
    const partition = partitionOf(request.id, PARTITIONS);
    const events = eventsOf(request, source, partition, START_MS);
    return events.map((event) => ({ partition, key: request.id, value: encodeEvent(event) }));
  });
  await fleet.log.append(fleet.topics.requests.name, records);
  await fleet.log.append(
    fleet.topics.requests.name,
    records.filter((_record, index) => index % 3 === 0),
  );
}

/** What `report.sql` shows of the events that `npm run tail` gives: the rows of each of its answers. */
function report(env: Readonly<Record<string, string>>): readonly (readonly Row[])[] {
  const folder = temporaryFolder();
  const npm = spawnSync('npm', ['run', '--silent', 'tail', '--', '--once', '--json'], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    maxBuffer: 2 ** 28,
  });
  expect([npm.status, npm.stderr.toString()]).toEqual([0, '']);
  writeFileSync(join(folder, 'events.ndjson'), npm.stdout);
  const sql = ['-m', 'duckdb_cli', '-json', '-f', `${ROOT}examples/sql/report.sql`];
  const duckdb = spawnSync(python!, sql, { cwd: folder, encoding: 'utf8' });
  expect([duckdb.status, duckdb.stderr]).toEqual([0, '']);
  return duckdb.stdout
    .trim()
    .split(/(?<=\])\n(?=\[)/)
    .map((answer) => JSON.parse(answer) as readonly Row[]);
}

/** The groups in the order in which the database shows them. */
function grouped<Key extends 'model' | 'tenant'>(requests: readonly PlannedRequest[], key: Key) {
  const groups = Map.groupBy(requests, (request) => request[key] ?? '-');
  return [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const count = (of: readonly PlannedRequest[], end: string): number => of.filter((one) => one.end === end).length;
const seconds = (ms: number): number => Math.round(ms * 10) / 10_000;

function quantile(values: readonly number[], q: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(q * values.length) - 1]!;
}

describe.skipIf(!kafka || python === undefined)('examples/sql', () => {
  let ended: readonly PlannedRequest[];
  let answers: readonly (readonly Row[])[];

  beforeAll(async () => {
    const random = randomFor('examples in SQL');
    const fleet = await Fleet.on(kafka!.brokers);
    const requests = Array.from({ length: REQUESTS }, (_unused, index) => planned(random, index));
    await tell(fleet, requests);
    ended = requests.filter(({ end }) => end !== undefined);
    answers = report(fleet.env);
    await fleet.close();
  }, 120_000);

  it('sums the tokens of each tenant', () => {
    const expected = grouped(ended, 'tenant').map(([tenant, of]) => {
      const known = of.filter(({ outputTokens }) => outputTokens !== undefined);
      return {
        tenant,
        requests: of.length,
        input_tokens: sum(known.map(({ pick }) => pick)),
        output_tokens: sum(known.map(({ outputTokens }) => outputTokens!)),
        unknown_usage: of.length - known.length,
      };
    });
    expect(answers[0]).toEqual(expected);
  });

  it('knows the latency of each model', () => {
    const expected = grouped(
      ended.filter(({ end }) => end === 'completed'),
      'model',
    ).map(([model, of]) => ({
      model,
      successful: of.length,
      latency_p50: seconds(
        quantile(
          of.map(({ durationMs }) => durationMs),
          0.5,
        ),
      ),
      latency_p95: seconds(
        quantile(
          of.map(({ durationMs }) => durationMs),
          0.95,
        ),
      ),
      ttft_p95: seconds(
        quantile(
          of.filter(({ stream }) => stream).map(({ durationMs }) => durationMs / 4),
          0.95,
        ),
      ),
    }));
    expect(answers[1]).toEqual(expected);
  });

  it('knows the error rate of each model, without those who hung up', () => {
    const expected = grouped(ended, 'model').map(([model, of]) => ({
      model,
      failed: count(of, 'failed'),
      cancelled: count(of, 'cancelled'),
      error_rate_percent: Math.round((1_000 * count(of, 'failed')) / (of.length - count(of, 'cancelled'))) / 10,
      most_common_error: expect.toBeOneOf(commonest(of)) as string,
    }));
    expect(answers[2]).toEqual(expected);
  });
});

/** The types of error that are met most often. */
function commonest(requests: readonly PlannedRequest[]): readonly string[] {
  const types = requests.filter(({ end }) => end === 'failed').map(({ pick }) => ERROR_TYPES[pick % ERROR_TYPES.length]!);
  const counts = ERROR_TYPES.map((type) => types.filter((one) => one === type).length);
  return ERROR_TYPES.filter((_type, index) => counts[index] === Math.max(...counts));
}
