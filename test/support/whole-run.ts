import { startAggregator } from '../../apps/aggregator/app.js';
import { aggregatorSettings } from '../../apps/aggregator/settings.js';
import { startGateway } from '../../apps/gateway/app.js';
import { ScriptedUpstream } from '../../apps/gateway/scripted-upstream.fixture.js';
import { gatewaySettings } from '../../apps/gateway/settings.js';
import { send } from '../../apps/gateway/test-gateway.fixture.js';
import { startGpuProbe } from '../../apps/gpu-probe/app.js';
import { gpuProbeSettings } from '../../apps/gpu-probe/settings.js';
import { EVENT_TYPES, topicsOf, type EventType } from '#libs/contracts';
import { openEventLog, type EventLog, type LogRecord } from '#libs/event-log';
import { inTurn, Logger, SettingsReader, type RunningApp } from '#libs/runtime';
import { ERRANDS, type Errand } from './errands.js';
import { waitFor } from './wait.js';

/** What one short run of a whole fleet wrote, by topic, in the order of each partition. */
export type Run = ReadonlyMap<string, readonly LogRecord[]>;

/** Types that no app writes yet. */
export const UNWRITTEN_TYPES: readonly EventType[] = ['io.inferometer.alert.changed.v1'];
/** The key of the one record that is no event. */
export const FOREIGN_KEY = 'foreign';

const topics = topicsOf();
const logger = new Logger('run', 'error');

/** A gateway and what stands behind it. */
interface Door {
  readonly url: string;
  readonly upstreams: readonly ScriptedUpstream[];
}

/**
 * Two gateways (one with two upstreams), a probe and an aggregator on a log in memory; requests that end in every way; a record that is no event
 * of this version. Resolves when every type of event that is written, a rollup and a dead letter are there.
 */
export async function recordWholeRun(): Promise<Run> {
  const log = await openEventLog('memory:');
  await log.ensureTopics(Object.values(topics));
  const run = await follow(log);
  const upstreams = await Promise.all([1, 2, 3].map(() => ScriptedUpstream.start()));
  const gateways: RunningApp[] = [];
  const others: RunningApp[] = [];
  try {
    const [one, ...two] = upstreams as [ScriptedUpstream, ...ScriptedUpstream[]];
    const doors = [await startDoor(log, gateways, 'gateway-1', [one]), await startDoor(log, gateways, 'gateway-2', two)];
    others.push(await startGpuProbe(gpuProbeSettings(reading({ GPU_SOURCE: 'simulated', PROBE_ID: 'gpu-host-1' })), log, logger));
    others.push(await startAggregator(aggregatorSettings(reading({})), log, logger));
    for (const errand of ERRANDS) for (const door of doors) await runErrand(door, errand);
    const foreign = Buffer.from(JSON.stringify({ specversion: '1.0', type: 'io.inferometer.request.completed.v2' }));
    await log.append(topics.requests.name, [{ partition: 0, key: FOREIGN_KEY, value: foreign }]);
    // Without gateways the requests' partitions fall silent, which aggregators break.
    await drainAll(gateways);
    await waitFor('every type of event and record', async () => missingIn(run).length === 0, 20_000);
  } finally {
    await inTurn([() => drainAll(gateways), () => drainAll(others), () => log.close(), ...upstreams.map((each) => () => each.close())]);
  }
  return run;
}

function reading(env: Readonly<Record<string, string>>): SettingsReader {
  return new SettingsReader({ PORT: '0', EVENT_LOG_URL: 'memory:', ...env });
}

async function drainAll(apps: RunningApp[]): Promise<void> {
  await inTurn(apps.splice(0).map((app) => () => app.drain()));
}

async function follow(log: EventLog): Promise<Map<string, LogRecord[]>> {
  const run = new Map<string, LogRecord[]>();
  for (const { name } of Object.values(topics)) {
    const kept: LogRecord[] = [];
    run.set(name, kept);
    // What is handed over may be a view of a larger buffer.
    await log.follow(name, 'beginning', {
      records: (_partition, records) =>
        void kept.push(...records.map((record) => ({ ...record, value: record.value && Buffer.from(record.value) }))),
    });
  }
  return run;
}

async function startDoor(log: EventLog, apps: RunningApp[], id: string, upstreams: readonly ScriptedUpstream[]): Promise<Door> {
  const read = reading({ UPSTREAM_URL: upstreams.map(({ url }) => url).join(','), GATEWAY_ID: id, TENANT_HEADER: 'x-tenant' });
  const gateway = await startGateway({ ...gatewaySettings(read), spool: undefined }, log, logger);
  apps.push(gateway);
  return { url: gateway.url, upstreams };
}

/** What is to come yet. */
function missingIn(run: Run): readonly string[] {
  const textOf = (topic: string): string =>
    run
      .get(topic)!
      .map(({ value }) => String(value))
      .join('\n');
  const [requests, gpus] = [textOf(topics.requests.name), textOf(topics.gpus.name)];
  const isThere = (type: string): boolean => [requests, gpus].some((text) => text.includes(`"type":"${type}"`));
  return [
    ...EVENT_TYPES.filter((type) => !UNWRITTEN_TYPES.includes(type) && !isThere(type)),
    ...[requests, gpus].filter((text) => !text.includes('"source":"/aggregators/')),
    ...[topics.rollups.name, topics.deadLetter.name].filter((topic) => run.get(topic)!.length === 0),
  ];
}

async function runErrand({ url, upstreams }: Door, { id, path, body, headers, script, leaves }: Errand): Promise<void> {
  const arrived = Promise.withResolvers<void>();
  for (const upstream of upstreams) {
    upstream.script = (request, response) => {
      arrived.resolve();
      script(request, response);
    };
  }
  const sent = send(url + path, {
    body,
    headers: { 'content-type': 'application/json', 'x-request-id': id, ...headers },
  });
  if (leaves !== undefined) {
    await (leaves === 'in the answer' ? sent.firstBytes : arrived.promise);
    sent.hangUp();
  }
  await sent.answer.catch(() => undefined);
}
