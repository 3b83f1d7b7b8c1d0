import { gunzipSync } from 'node:zlib';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventSource, topicsOf } from '#libs/contracts';
import { openEventLog, type EventLog } from '#libs/event-log';
import { Logger, SettingsReader } from '#libs/runtime';
import { parseOpenMetrics } from '../../test/support/openmetrics.js';
import { heartbeat } from '../../test/support/traffic.js';
import { waitFor } from '../../test/support/wait.js';
import { startAggregator } from './app.js';
import { aggregatorSettings } from './settings.js';

const SCRAPES = 50;
let log: EventLog;
let aggregator: Awaited<ReturnType<typeof startAggregator>>;

beforeAll(async () => {
  log = await openEventLog('memory:');
  const settings = aggregatorSettings(new SettingsReader({ PORT: '0', EVENT_LOG_URL: 'memory:' }));
  aggregator = await startAggregator(settings, log, new Logger('test', 'error'));
  const beat = heartbeat(new EventSource('/gateways/gw', 'boot'), 0, Date.now());
  await log.append(topicsOf().requests.name, [{ partition: 0, key: 'k', value: Buffer.from(JSON.stringify(beat)) }]);
  await waitFor('the gateway to be seen', async () => (await scrape()).text.includes('inferometer_gateway_up{gateway="gw"}'));
});

afterAll(async () => {
  await aggregator.drain();
  await log.close();
});

async function scrape(headers: Readonly<Record<string, string>> = {}) {
  const answer = await request(`${aggregator.url}/metrics/prometheus`, { headers });
  const bytes = Buffer.from(await answer.body.arrayBuffer());
  const text = String(answer.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes);
  return { text, bytes, offset: answer.headers['x-fleet-offset'], encoding: answer.headers['content-encoding'] };
}

describe('a scrape', () => {
  it('is packed for those who ask for that, and is OpenMetrics for those who like it best', async () => {
    const packed = await scrape({ 'accept-encoding': 'gzip', accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' });
    expect(packed.encoding).toBe('gzip');
    expect(packed.bytes.length).toBeLessThan(packed.text.length / 3);
    expect(parseOpenMetrics(packed.text).map(({ name }) => name)).toContain('vllm_total_requests');
    expect((await scrape()).encoding).toBeUndefined();
  });

  it('is the same for all who come at once and see the same state', async () => {
    const answers = await Promise.all(Array.from({ length: SCRAPES }, () => scrape()));
    const texts = new Map<unknown, Set<string>>();
    for (const { offset, text } of answers) texts.set(offset, (texts.get(offset) ?? new Set()).add(text));
    expect([...texts.values()].every(({ size }) => size === 1)).toBe(true);
    expect(texts.size).toBeLessThan(SCRAPES / 2);
  });
});
