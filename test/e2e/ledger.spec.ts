import OpenAI from 'openai';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeEvent, topicsOf, type ErrorType, type InferometerEvent, type MetricsDocument } from '#libs/contracts';
import { openEventLog } from '#libs/event-log';
import { startStackProcess, temporaryFolder, type StackProcess } from '../support/stack.js';
import { waitFor } from '../support/wait.js';
import { send, type LedgerLine, type PlannedCall } from './load.js';

const CALLS_PER_WAVE = 40;
const CALLS_ALONE = 15;
/** The fault that strikes the model `flaky` in each wave, and the type that it is to be counted under. */
const WAVES: readonly (readonly [fault: object, counted: ErrorType | undefined])[] = [
  [{ fault: 'none' }, undefined],
  [{ fault: '500' }, 'upstream_error'],
  [{ fault: '429' }, 'rate_limited'],
  [{ fault: 'truncate', after_chunks: 4 }, 'stream_truncated'],
  [{ fault: 'refuse' }, 'upstream_unreachable'],
];

const folder = temporaryFolder();
const ledger: LedgerLine[] = [];
const expectedErrors = new Map<string, ErrorType>();
let stack: StackProcess;
let document: MetricsDocument;
let terminals: ReadonlyMap<string, InferometerEvent>;

/** Streamed and not, asking for usage or not, some hanging up, some for a model that is not there, some for one that fails. */
function planned(wave: number, index: number): PlannedCall {
  const kind = index % 10;
  return {
    id: `wave-${wave}-call-${index}`,
    model: kind === 7 ? 'flaky' : kind === 8 ? 'no-such-model' : 'steady',
    stream: kind !== 1 && kind !== 4,
    maxTokens: 8 + (index % 5) * 4,
    askUsage: kind % 2 === 0,
    hangUpAfter: kind === 9 ? 3 : undefined,
  };
}

async function runWave(client: OpenAI, wave: number): Promise<void> {
  const [fault, counted] = WAVES[wave]!;
  const armed = await request(`${stack.upstreamUrl}/faults`, { method: 'PUT', body: JSON.stringify({ ...fault, model: 'flaky' }) });
  expect(armed.statusCode).toBe(200);
  await armed.body.dump();
  const calls = Array.from({ length: CALLS_PER_WAVE }, (_unused, index) => planned(wave, index));
  for (const { id, model } of calls) {
    if (model === 'no-such-model') expectedErrors.set(id, 'not_found');
    if (model === 'flaky' && counted) expectedErrors.set(id, counted);
  }
  ledger.push(...(await Promise.all(calls.map((call) => send(client, call)))));
}

async function readTerminals(): Promise<Map<string, InferometerEvent>> {
  const log = await openEventLog(`file:${folder}`);
  const found = new Map<string, InferometerEvent>();
  const following = await log.follow(topicsOf().requests.name, 'beginning', {
    records: (_partition, records) => {
      for (const { value } of records) {
        const decoded = decodeEvent(value);
        if (!decoded.ok || !/request\.(completed|failed|cancelled)\.v1$/.test(decoded.value.type)) continue;
        expect(found.has(decoded.value.subject), `two ends of ${decoded.value.subject}`).toBe(false);
        found.set(decoded.value.subject, decoded.value);
      }
    },
  });
  await following.caughtUp;
  await following.close();
  await log.close();
  return found;
}

beforeAll(async () => {
  stack = await startStackProcess(folder, {
    MODEL_NAMES: 'steady,flaky',
    TTFT_MS: '40',
    TOKENS_PER_SECOND: '150',
    MAX_CONCURRENT_REQUESTS: '12',
    MAX_QUEUE_SIZE: '22',
  });
  const client = new OpenAI({ baseURL: `${stack.gatewayUrl}/v1`, apiKey: 'sk-test', maxRetries: 0 });
  for (const wave of WAVES.keys()) await runWave(client, wave);
  for (let index = 0; index < CALLS_ALONE; index += 1) ledger.push(await send(client, { ...planned(0, 0), id: `alone-${index}` }));
  document = await waitFor('every request to be counted', async () => {
    const { requests } = await stack.metrics('?window=all');
    return requests.total === ledger.length && requests.waiting + requests.running === 0 && (await stack.metrics('?window=all'));
  });
  terminals = await readTerminals();
}, 120_000);

afterAll(() => stack?.stop());

const count = (outcome: LedgerLine['outcome']): number => ledger.filter((line) => line.outcome === outcome).length;
const dataOf = (line: LedgerLine): Record<string, unknown> => terminals.get(line.call.id)?.data as unknown as Record<string, unknown>;

const sum = (name: string): number => ledger.reduce((total, line) => total + ((dataOf(line)[name] as number | undefined) ?? 0), 0);

describe('215 mixed requests through the real openai client', () => {
  it('are all there, exactly once, and reconcile', () => {
    expect(document.requests).toMatchObject({
      total: ledger.length,
      successful: count('completed'),
      failed: count('failed'),
      cancelled: count('cancelled'),
      lost: 0,
    });
    expect(document.data_quality).toMatchObject({ reconciled: true, events_missing: 0, duplicates_dropped: 0, dead_letters: 0 });
    expect(terminals.size).toBe(ledger.length);
  });

  it('were queued and rejected as the limits say', () => {
    const rejected = ledger.filter(({ status }) => status === 503);
    expect(rejected.length).toBeGreaterThan(0);
    for (const line of rejected) expectedErrors.set(line.call.id, 'queue_full');
    const queued = [...terminals.values()].filter(({ data }) => 'queue_ms' in data && (data.queue_ms ?? 0) > 1);
    expect(queued.length).toBeGreaterThan(0);
    expect(document.requests.peak_concurrent).toBe(12);
  });

  it('have the type of error that the client met', () => {
    const byType: Partial<Record<ErrorType, number>> = {};
    for (const line of ledger.filter(({ outcome }) => outcome === 'failed')) {
      const type = line.status === 503 ? 'queue_full' : expectedErrors.get(line.call.id)!;
      expect(dataOf(line)['error_type'], line.call.id).toBe(type);
      byType[type] = (byType[type] ?? 0) + 1;
    }
    expect(document.errors).toEqual({ total: count('failed'), by_type: byType });
    expect(Object.keys(byType).length).toBeGreaterThanOrEqual(5);
  });

  it('have the tokens that the upstream reported, and of a hang-up those that were seen', () => {
    for (const line of ledger.filter(({ usage }) => usage)) {
      expect(dataOf(line), line.call.id).toMatchObject({ input_tokens: line.usage?.input, output_tokens: line.usage?.output });
    }
    for (const line of ledger.filter(({ outcome }) => outcome === 'cancelled')) {
      expect(dataOf(line), line.call.id).toMatchObject({ phase: 'streaming', usage_source: 'counted' });
      expect(dataOf(line)['output_tokens'], line.call.id).toBeGreaterThanOrEqual(line.chunks);
    }
    const [input, output] = [sum('input_tokens'), sum('output_tokens')];
    expect(document.tokens).toMatchObject({ total_input: input, total_output: output });
    expect(output).toBeGreaterThan(1000);
  });

  it('took as long as the client’s own clock says, within 20 ms', () => {
    const alone = ledger.filter(({ call }) => call.id.startsWith('alone-'));
    expect(alone).toHaveLength(CALLS_ALONE);
    const ttft = alone.map((line) => line.ttftMs! - (dataOf(line)['ttft_ms'] as number));
    const latency = alone.map((line) => line.latencyMs - (dataOf(line)['duration_ms'] as number));
    for (const differences of [ttft, latency]) expect(Math.abs(median(differences))).toBeLessThan(20);
  });

  it('have the mean latency and the percentiles of their events', () => {
    const durations = ledger.flatMap((line) => (line.outcome === 'completed' ? (dataOf(line)['duration_ms'] as number) / 1000 : []));
    const sorted = durations.toSorted((a, b) => a - b);
    expect(document.latency.mean).toBeCloseTo(durations.reduce((total, value) => total + value, 0) / durations.length, 3);
    expect(document.latency).toMatchObject({ min: round(sorted[0]!), max: round(sorted.at(-1)!) });
    for (const [name, q] of [
      ['p50', 0.5],
      ['p95', 0.95],
      ['p99', 0.99],
    ] as const) {
      const exact = sorted[Math.ceil(q * sorted.length) - 1]!;
      expect(Math.abs(document.latency[name] - exact) / exact).toBeLessThan(0.01);
    }
  });
});

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function round(seconds: number): number {
  return Math.round(seconds * 1e4) / 1e4;
}
