import OpenAI from 'openai';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeEvent, topicsOf, type ErrorType, type InferometerEvent, type MetricsDocument } from '#libs/contracts';
import { openEventLog } from '#libs/event-log';
import { startStackProcess, temporaryFolder, type StackProcess } from '../support/stack.js';
import { waitFor } from '../support/wait.js';
import { send, type LedgerLine, type PlannedCall } from './load.js';

const CALLS_PER_WAVE = 40;
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
  await send(client, { ...planned(0, 0), id: 'warm-up' }).then((line) => ledger.push(line));
  for (const wave of WAVES.keys()) await runWave(client, wave);
  document = await waitFor('every request to be counted', async () => {
    const { requests } = await stack.metrics('?window=all');
    return requests.total === ledger.length && requests.waiting + requests.running === 0 && (await stack.metrics('?window=all'));
  });
  terminals = await readTerminals();
}, 120_000);

afterAll(() => stack?.stop());

const count = (outcome: LedgerLine['outcome']): number => ledger.filter((line) => line.outcome === outcome).length;
const dataOf = (line: LedgerLine): Record<string, unknown> => terminals.get(line.call.id)?.data as unknown as Record<string, unknown>;

describe('201 mixed requests through the real openai client', () => {
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
    let [input, output] = [0, 0];
    for (const line of ledger) {
      const data = dataOf(line);
      if (line.usage) expect([data['input_tokens'], data['output_tokens']], line.call.id).toEqual([line.usage.input, line.usage.output]);
      if (line.outcome === 'cancelled') {
        expect(data).toMatchObject({ phase: 'streaming', usage_source: 'counted' });
        expect(data['output_tokens']).toBeGreaterThanOrEqual(line.chunks);
      }
      input += (data['input_tokens'] as number | undefined) ?? 0;
      output += (data['output_tokens'] as number | undefined) ?? 0;
    }
    expect(document.tokens).toMatchObject({ total_input: input, total_output: output });
    expect(output).toBeGreaterThan(1000);
  });

  it('took as long as the client’s own clock says, within 20 ms', () => {
    const streamed = ledger.filter(({ outcome, call }) => outcome === 'completed' && call.stream);
    const differences = streamed.flatMap((line) => {
      const data = dataOf(line);
      return [line.ttftMs! - (data['ttft_ms'] as number), line.latencyMs - (data['duration_ms'] as number)];
    });
    const sorted = differences.map(Math.abs).toSorted((a, b) => a - b);
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(20);
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const measured = streamed.concat(ledger.filter(({ outcome, call }) => outcome === 'completed' && !call.stream));
    expect(Math.abs(mean(measured.map(({ latencyMs }) => latencyMs)) - document.latency.mean * 1000)).toBeLessThan(20);
  });
});
