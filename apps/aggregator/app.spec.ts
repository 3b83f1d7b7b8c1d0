import { request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeEvent, EventSource, topicsOf, type InferometerEvent, type MetricsDocument } from '#libs/contracts';
import { EventLogOpenError, openEventLog, type EventLog } from '#libs/event-log';
import { Logger, SettingsReader, type RunningApp } from '#libs/runtime';
import { heartbeat, interleaved, onePlanned, type PlannedRequest } from '../../test/support/traffic.js';
import { waitFor } from '../../test/support/wait.js';
import { startAggregator } from './app.js';
import { aggregatorSettings } from './settings.js';

type Aggregator = RunningApp & { readonly url: string };

const TOPICS = topicsOf();
const open: { aggregators: Aggregator[]; logs: EventLog[] } = { aggregators: [], logs: [] };
/** Added to the real clock by logs that were opened with it. */
let aheadMs = 0;

afterEach(async () => {
  for (const aggregator of open.aggregators.splice(0)) await aggregator.drain();
  for (const log of open.logs.splice(0)) await log.close();
  aheadMs = 0;
});

async function memoryLog(): Promise<EventLog> {
  const log = await openEventLog('memory:', { now: () => Date.now() + aheadMs });
  await log.ensureTopics(Object.values(TOPICS));
  open.logs.push(log);
  return log;
}

async function start(log: EventLog, env: Readonly<Record<string, string>> = {}): Promise<Aggregator> {
  const settings = aggregatorSettings(new SettingsReader({ PORT: '0', SNAPSHOT_INTERVAL_MS: '50', ...env }));
  const aggregator = await startAggregator(settings, log, new Logger('test', 'error'));
  open.aggregators.push(aggregator);
  return aggregator;
}

async function stop(aggregator: Aggregator): Promise<void> {
  open.aggregators.splice(open.aggregators.indexOf(aggregator), 1);
  await aggregator.drain();
}

const gateway = (boot = 'boot-1') => new EventSource('/gateways/gw', boot);

function append(log: EventLog, events: readonly InferometerEvent[], partition = 0): Promise<void> {
  return log.append(
    TOPICS.requests.name,
    events.map((event) => ({ partition, key: event.subject, value: encodeEvent(event) })),
  );
}

const planned = (id: string, overrides: Partial<PlannedRequest> = {}): PlannedRequest =>
  onePlanned({ id, end: 'completed', durationMs: 800, ...overrides });

async function metrics(aggregator: Aggregator, query = ''): Promise<MetricsDocument> {
  const { body } = await request(`${aggregator.url}/api/v1/metrics${query}`);
  return (await body.json()) as MetricsDocument;
}

/** The document without its time, and which state of the fleet it is from. */
async function answerOf({ url }: Aggregator) {
  const { headers, body } = await request(`${url}/api/v1/metrics?window=all`);
  const { timestamp, ...document } = (await body.json()) as MetricsDocument;
  return { at: headers['x-fleet-offset'], timestamp, text: JSON.stringify(document) };
}

const until = (aggregator: Aggregator, what: string, holds: (document: MetricsDocument) => boolean) =>
  waitFor(what, async () => {
    const document = await metrics(aggregator, '?window=all');
    return holds(document) && document;
  });

describe('an aggregator on the embedded log', () => {
  it('shows what gateways wrote, in JSON and in Prometheus text', async () => {
    const log = await memoryLog();
    const aggregator = await start(log);
    const source = gateway();
    const requests = [planned('a'), planned('b', { end: 'failed', pick: 8 }), planned('c', { end: undefined })];
    await append(log, [heartbeat(source, 0, Date.now(), 1), ...interleaved(requests, source)]);
    const document = await until(aggregator, 'three requests', (of) => of.requests.total === 3);
    expect(document).toMatchObject({
      requests: { successful: 1, failed: 1, running: 1, max_concurrent: 4, peak_concurrent: 1 },
      errors: { total: 1, by_type: { upstream_error: 1 } },
      models: [{ model: 'm', total: 3 }],
      data_quality: { reconciled: true, live_gateways: 1, live_aggregators: 1 },
    });
    const text = await (await request(`${aggregator.url}/metrics/prometheus`)).body.text();
    expect(text).toContain('# TYPE vllm_total_requests counter\nvllm_total_requests 3\n');
    expect(text).toContain('vllm_errors{type="upstream_error"} 1\n');
    const openMetrics = await request(`${aggregator.url}/metrics/prometheus`, { headers: { accept: 'application/openmetrics-text' } });
    expect(openMetrics.headers['content-type']).toMatch(/^application\/openmetrics-text; version=1\.0\.0/);
    expect((await openMetrics.body.text()).endsWith('# EOF\n')).toBe(true);
  });

  it('starts again from what it published, and counts nothing twice', async () => {
    const log = await memoryLog();
    const source = gateway();
    const first = await start(log);
    await append(log, interleaved([planned('a'), planned('b', { end: undefined })], source));
    const before = await until(first, 'two requests', (of) => of.requests.total === 2);
    await stop(first);
    const more = interleaved([planned('c')], source);
    await append(log, more);
    await append(log, more);
    const second = await start(log);
    const after = await until(second, 'three requests', (of) => of.requests.total === 3 && of.data_quality.duplicates_dropped === 3);
    expect(after.requests).toMatchObject({ successful: before.requests.successful + 1, running: 1, lost: 0 });
    expect(after.data_quality.reconciled).toBe(true);
  });

  it('puts poison aside with its place and reason, and goes on', async () => {
    const log = await memoryLog();
    const aggregator = await start(log);
    const letters: Record<string, unknown>[] = [];
    await log.follow(TOPICS.deadLetter.name, 'beginning', {
      records: (_partition, records) => void letters.push(...records.map(({ value }) => JSON.parse(String(Buffer.from(value!))) as never)),
    });
    const poison = [
      Buffer.from('{"a":'),
      Buffer.from('x'.repeat(5000)),
      Buffer.from('{"type":"io.inferometer.request.received.v9"}'),
      null,
    ];
    await log.append(
      TOPICS.requests.name,
      poison.map((value) => ({ partition: 0, key: 'k', value })),
    );
    await append(log, interleaved([planned('a')], gateway()));
    const document = await until(aggregator, 'the request behind the poison', (of) => of.requests.total === 1);
    expect(document.data_quality.dead_letters).toBe(4);
    await waitFor('four letters', async () => letters.length === 4);
    expect(letters.map(({ reason }) => reason)).toEqual(['not_json', 'not_json', 'unsupported_version', 'empty']);
    expect(letters[1]).toMatchObject({ topic: 'inferometer.requests', partition: 0, offset: '1', size_bytes: 5000 });
    expect(Buffer.from(String(letters[1]?.['record_base64']), 'base64')).toHaveLength(1024);
  });

  it('moves log time on by itself when every gateway is gone', async () => {
    const log = await memoryLog();
    const aggregator = await start(log);
    const source = gateway();
    await append(log, [heartbeat(source, 0, Date.now()), ...interleaved([planned('a', { end: undefined })], source)]);
    await until(aggregator, 'one running', (of) => of.requests.running === 1);
    aheadMs = 8_100;
    const lost = await until(aggregator, 'it to be lost', (of) => of.requests.lost === 1);
    expect(lost).toMatchObject({
      status: 'unknown',
      requests: { running: 0, total: 1 },
      data_quality: { live_gateways: 0, reconciled: true },
    });
    aheadMs = 30_000;
    const blind = await until(aggregator, 'the alert', (of) => of.alerts_count === 1);
    expect(blind.status).toBe('critical');
    expect(blind.alerts[0]).toMatchObject({ name: 'pipeline_blind', level: 'critical', state: 'firing' });
  });

  it('leaves at most one heartbeat a partition for a log that was away', async () => {
    const log = await memoryLog();
    const store = log.append.bind(log);
    let refused = 0;
    log.append = async (topic, records) => {
      if (topic !== TOPICS.requests.name) return store(topic, records);
      refused += 1;
      throw new Error('away');
    };
    await start(log);
    await waitFor('some tries', async () => refused >= 5);
    const backMs = Date.now();
    log.append = store;
    const beats: { readonly partition: number; readonly isEarly: boolean }[] = [];
    await log.follow(TOPICS.requests.name, 'beginning', {
      records: (partition, records) => {
        for (const { value } of records) {
          const { time } = JSON.parse(String(Buffer.from(value!))) as InferometerEvent;
          beats.push({ partition, isEarly: Date.parse(time) < backMs });
        }
      },
    });
    const partitionsOf = (isEarly: boolean) => beats.filter((beat) => beat.isEarly === isEarly).map(({ partition }) => partition);
    await waitFor('a heartbeat of later', async () => new Set(partitionsOf(false)).size === TOPICS.requests.partitions);
    const early = partitionsOf(true);
    expect(early.length).toBeGreaterThan(0);
    expect(new Set(early).size).toBe(early.length);
  });

  it('shares the partitions with another one, and both answer alike', async () => {
    const log = await memoryLog();
    const pair = [await start(log), await start(log)];
    const source = gateway();
    for (let partition = 0; partition < 6; partition += 1) {
      const requests = interleaved([planned(`p${partition}`)], source, partition);
      await append(log, requests, partition);
    }
    const [one, other] = await Promise.all(pair.map((each) => until(each, 'six requests', (of) => of.requests.total === 6)));
    for (const part of ['requests', 'tokens', 'slo', 'latency', 'models'] as const) expect(one![part]).toEqual(other![part]);
    await stop(pair[0]!);
    await append(log, interleaved([planned('later')], source, 3), 3);
    await until(pair[1]!, 'the seventh request', (of) => of.requests.total === 7);
  });

  it('asks for the token where one is set, streams the document, and tells its health without', async () => {
    const aggregator = await start(await memoryLog(), { API_TOKEN: 'open-sesame' });
    for (const path of ['/api/v1/metrics', '/api/v1/gpus', '/api/v1/alerts', '/metrics/prometheus']) {
      const refused = await request(`${aggregator.url}${path}`, { headers: { authorization: 'Bearer wrong' } });
      expect(refused.statusCode, path).toBe(401);
      expect(await refused.body.text()).not.toContain('sesame');
      const { statusCode, body } = await request(`${aggregator.url}${path}`, { headers: { authorization: 'Bearer open-sesame' } });
      expect(statusCode, path).toBe(200);
      await body.dump();
    }
    expect((await request(`${aggregator.url}/health/ready`)).statusCode).toBe(200);
    const stream = await request(`${aggregator.url}/api/v1/stream`, { headers: { authorization: 'Bearer open-sesame' } });
    const [first] = await stream.body.take(1).toArray();
    expect(String(first)).toContain('"service":"inferometer"');
  });

  it('answers at once that it is not ready while the log is away, and is when the log is back', async () => {
    const log = await memoryLog();
    await append(log, interleaved([planned('a')], gateway()));
    let isAway = true;
    for (const name of ['ensureTopics', 'follow', 'partitions', 'consume'] as const) {
      const really = log[name].bind(log) as (...args: readonly unknown[]) => Promise<never>;
      Object.assign(log, { [name]: (...args: readonly unknown[]) => (isAway ? Promise.reject(new Error('no broker')) : really(...args)) });
    }
    const aggregator = await start(log);
    const statusOf = async (path: string) => {
      const { statusCode, body } = await request(`${aggregator.url}${path}`);
      return [statusCode, await body.text()] as const;
    };
    expect((await statusOf('/health/live'))[0]).toBe(200);
    expect((await statusOf('/health/ready'))[0]).toBe(503);
    for (const path of ['/api/v1/metrics', '/api/v1/gpus', '/api/v1/alerts', '/metrics/prometheus']) {
      const [status, text] = await statusOf(path);
      expect([path, status]).toEqual([path, 503]);
      expect(JSON.parse(text)).toMatchObject({ error: { type: 'server_error', code: 'not_ready' } });
    }
    isAway = false;
    await until(aggregator, 'the request that was there before', (of) => of.requests?.total === 1);
    expect((await statusOf('/health/ready'))[0]).toBe(200);
  });

  it('can be stopped while the log is away, and ends by itself where the operator must mend something', async () => {
    const [away, wrong] = [await memoryLog(), await memoryLog()];
    away.ensureTopics = () => Promise.reject(new Error('no broker'));
    await stop(await start(away));
    const cause = new EventLogOpenError('wrong credentials');
    wrong.ensureTopics = () => Promise.reject(cause);
    expect(await (await start(wrong)).failed).toBe(cause);
  });

  it('says with each answer which state of the fleet it is from: equal on two that show the same', async () => {
    const log = await memoryLog();
    const pair = [await start(log), await start(log)];
    await append(log, [heartbeat(gateway(), 0, Date.now(), 1), ...interleaved([planned('a')], gateway('boot-2'))]);
    await Promise.all(pair.map((each) => until(each, 'a request', (of) => of.requests.total === 1)));
    const texts = await waitFor('two answers from one state', async () => {
      const [one, other] = await Promise.all(pair.map(answerOf));
      return one!.at === other!.at && [one!.text, other!.text];
    });
    expect(texts[0]).toBe(texts[1]);
    const { headers, body } = await request(`${pair[0]!.url}/metrics/prometheus`);
    await body.dump();
    expect(headers['x-fleet-offset']).toMatch(/^[0-9a-f]{16}$/);
  });

  it('is well without a partition', async () => {
    const log = await memoryLog();
    const all = await Promise.all(Array.from({ length: 8 }, () => start(log)));
    await append(log, interleaved([planned('a')], gateway()));
    for (const each of all) {
      await until(each, 'a request', (of) => of.requests.total === 1);
      expect((await request(`${each.url}/health/ready`)).statusCode).toBe(200);
    }
  });

  it('says what there is at its root, and answers what is not there in the shape of OpenAI', async () => {
    const aggregator = await start(await memoryLog());
    expect(await (await request(`${aggregator.url}/`)).body.text()).toContain('/api/v1/metrics');
    const { statusCode, body } = await request(`${aggregator.url}/nowhere`);
    expect(statusCode).toBe(404);
    expect(await body.json()).toEqual({
      error: { message: 'Cannot GET /nowhere', type: 'invalid_request_error', code: 'not_found', param: null },
    });
  });

  it('says of a body that is too large that it is', async () => {
    const aggregator = await start(await memoryLog());
    const { statusCode, body } = await request(`${aggregator.url}/api/v1/metrics`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: 'x'.repeat(2_000_000),
    });
    expect(statusCode).toBe(413);
    expect(await body.json()).toMatchObject({ error: { type: 'invalid_request_error', code: 'invalid_request' } });
  });

  it.each([
    ['?window=2m', 'window must be one of 1m, 5m, 15m, 1h, all'],
    ['?window=1m&window=5m', 'window must be one of'],
    [`?model=${'x'.repeat(257)}`, 'model must be given once and be at most 256 characters'],
  ])('refuses %s with what is allowed', async (query, message) => {
    const aggregator = await start(await memoryLog());
    const { statusCode, body } = await request(`${aggregator.url}/api/v1/metrics${query}`);
    expect(statusCode).toBe(400);
    expect(await body.json()).toMatchObject({ error: { message: expect.stringContaining(message) as string } });
  });
});
