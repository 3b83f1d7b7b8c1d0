import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { request } from 'undici';
import { decodeEvent, topicsOf, type EventType } from '#libs/contracts';
import { openEventLog, type LogRecord } from '#libs/event-log';
import { SettingsReader } from '#libs/runtime';
import { startStack } from '../../apps/stack/app.js';
import { stackSettings } from '../../apps/stack/settings.js';
import type { BenchRow } from '../bench-row.js';

const REQUESTS = 100;
const IDLE_MS = 20_000;
const OUTPUT_TOKENS = 20;
const DAY_SECONDS = 86_400;
/** What Kafka's format of records takes beside keys and values: for a batch, and for a record with its `content-type` header and its lengths. */
const BATCH_BYTES = 61;
const RECORD_BYTES = 43 + 8;
const FAST = { TTFT_MS: '20', TOKENS_PER_SECOND: '500', MAX_CONCURRENT_REQUESTS: '16', LOG_LEVEL: 'error' };
const ANY_PORTS = { PORT: '0', AGGREGATOR_PORT: '0', GPU_PROBE_PORT: '0', MODEL_SERVER_PORT: '0' };

/** What a whole system writes: for a streamed request, for one that is not, and for nothing at all. */
export async function logRows(): Promise<readonly BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'inferometer-bench-'));
  try {
    const idleSeconds = await traffic(folder);
    const requests = await recordsOf(folder, topicsOf().requests.name);
    const gpus = await recordsOf(folder, topicsOf().gpus.name);
    return [...requestRows('streamed', requests), ...requestRows('JSON', requests), ...idleRows(requests, gpus, idleSeconds)];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a stack, sends both kinds of requests, waits. Answers for how long it ran, in seconds. */
async function traffic(folder: string): Promise<number> {
  const settings = stackSettings(new SettingsReader({ EVENT_LOG_URL: `file:${folder}`, ...ANY_PORTS, ...FAST }));
  const startMs = performance.now();
  const stack = await startStack(settings);
  try {
    for (let index = 0; index < REQUESTS; index += 1) await Promise.all([true, false].map((stream) => send(stack.gatewayUrl, stream)));
    await wait(IDLE_MS);
  } finally {
    await stack.drain();
  }
  return (performance.now() - startMs) / 1000;
}

async function send(gatewayUrl: string, stream: boolean): Promise<void> {
  const messages = [{ role: 'user', content: 'How large is that?' }];
  const body = JSON.stringify({ model: 'demo-7b', stream, max_tokens: OUTPUT_TOKENS, messages });
  const answer = await request(`${gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  await answer.body.dump();
  if (answer.statusCode !== 200) throw new Error(`the request was answered with ${answer.statusCode}`);
}

async function recordsOf(folder: string, topic: string): Promise<readonly LogRecord[]> {
  const log = await openEventLog(`file:${folder}`);
  try {
    const found: LogRecord[] = [];
    const following = await log.follow(topic, 'beginning', { records: (_partition, records) => void found.push(...records) });
    await following.caughtUp;
    await following.close();
    return found;
  } finally {
    await log.close();
  }
}

function requestRows(kind: 'streamed' | 'JSON', records: readonly LogRecord[]): readonly BenchRow[] {
  const of = records.filter(({ value }) => {
    const decoded = decodeEvent(value);
    return decoded.ok && 'stream' in decoded.value.data && decoded.value.data.stream === (kind === 'streamed');
  });
  return [
    { name: `log, ${kind} request of ${OUTPUT_TOKENS} tokens`, value: of.length / REQUESTS, unit: 'events' },
    { name: `log, ${kind} request, as JSON`, value: valueBytes(of) / REQUESTS, unit: 'bytes' },
    { name: `log, ${kind} request, on a broker's disk, alone in its batches`, value: brokerBytes(of, 1) / REQUESTS, unit: 'bytes' },
    { name: `log, ${kind} request, on a broker's disk, 100 events a batch`, value: brokerBytes(of, 100) / REQUESTS, unit: 'bytes' },
  ];
}

/** On a broker's disk, in batches of one: nobody waits for company here. */
function idleRows(requests: readonly LogRecord[], gpus: readonly LogRecord[], seconds: number): readonly BenchRow[] {
  const perDay = (records: readonly LogRecord[]): number => (brokerBytes(records, 1) * DAY_SECONDS) / seconds / 1e6;
  const heartbeats = ofType(requests, 'io.inferometer.gateway.heartbeat.v1');
  const readings = ofType(gpus, 'io.inferometer.gpu.read.v1');
  const fillers = ofType([...requests, ...gpus], 'io.inferometer.aggregator.heartbeat.v1');
  return [
    { name: "log, one gateway's heartbeats, 6 partitions, on a broker's disk", value: perDay(heartbeats), unit: 'MB/day' },
    { name: "log, one GPU's readings, on a broker's disk", value: perDay(readings), unit: 'MB/day' },
    { name: "log, aggregators' heartbeats to 5 silent partitions, on a broker's disk", value: perDay(fillers), unit: 'MB/day' },
  ];
}

function ofType(records: readonly LogRecord[], type: EventType): readonly LogRecord[] {
  return records.filter(({ value }) => {
    const decoded = decodeEvent(value);
    return decoded.ok && decoded.value.type === type;
  });
}

function valueBytes(records: readonly LogRecord[]): number {
  return records.reduce((sum, { value }) => sum + (value?.byteLength ?? 0), 0);
}

/** A broker stores batches as they come, without compression. */
function brokerBytes(records: readonly LogRecord[], batch: number): number {
  const keyBytes = records.reduce((sum, { key }) => sum + Buffer.byteLength(key), 0);
  return valueBytes(records) + keyBytes + records.length * RECORD_BYTES + Math.ceil(records.length / batch) * BATCH_BYTES;
}
