import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeEvent, topicsOf, type GpuReading, type InferometerEvent } from '#libs/contracts';
import { openEventLog, partitionOf, type EventLog } from '#libs/event-log';
import { Logger } from '#libs/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startGpuProbe } from './app.js';
import type { GpuProbeSettings } from './settings.js';

const SETTINGS: GpuProbeSettings = {
  host: '127.0.0.1',
  port: 0,
  logLevel: 'error',
  apiToken: undefined,
  eventLog: { url: 'memory:', topicPrefix: 'test.' },
  source: 'simulated',
  simulatedMemoryPercent: 76,
  intervalMs: 100,
  probeId: 'gpu-box',
};
const { gpus } = topicsOf('test.');

let log: EventLog;
const PATH = process.env['PATH'] ?? '';
let app: Awaited<ReturnType<typeof startGpuProbe>> | undefined;
beforeEach(async () => {
  log = await openEventLog('memory:');
  await log.ensureTopics([gpus]);
});
afterEach(async () => {
  process.env['PATH'] = PATH;
  await app?.drain();
  app = undefined;
  await log.close();
});

async function start(settings: Partial<GpuProbeSettings> = {}): Promise<string> {
  app = await startGpuProbe({ ...SETTINGS, ...settings }, log, new Logger('test', 'error'));
  return app.url;
}

interface Stored {
  readonly partition: number;
  readonly key: string;
  readonly event: InferometerEvent;
}

/** What is stored; waits, for at most 5 s, until it is so many. */
async function stored(count: number): Promise<Stored[]> {
  const found: Stored[] = [];
  const following = await log.follow(gpus.name, 'beginning', {
    records: (partition, records) => {
      for (const { key, value } of records) {
        const decoded = decodeEvent(value);
        if (!decoded.ok) throw new Error(decoded.detail);
        found.push({ partition, key, event: decoded.value });
      }
    },
  });
  await following.caughtUp;
  const deadline = performance.now() + 5_000;
  while (found.length < count && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
  await following.close();
  return found;
}

describe('startGpuProbe', () => {
  it('stores numbered readings, keyed and placed by device', async () => {
    await start();
    const events = await stored(3);
    expect(events.length).toBeGreaterThanOrEqual(3);
    const { host, uuid } = events[0]!.event.data as GpuReading;
    expect(host).toBe('gpu-box');
    const key = `gpu-box/${uuid}`;
    for (const [index, { partition, key: itsKey, event }] of events.entries()) {
      expect([partition, itsKey, event.subject]).toEqual([partitionOf(key, gpus.partitions), key, uuid]);
      expect(event).toMatchObject({ type: 'io.inferometer.gpu.read.v1', source: '/probes/gpu-box', sequence: index + 1 });
    }
  });

  it('tells its health', async () => {
    const url = await start();
    await stored(1);
    const health = await fetch(`${url}/health`);
    expect([health.status, await health.json()]).toEqual([
      200,
      {
        status: 'ok',
        gpus: 1,
        reading_age_seconds: expect.any(Number) as number,
        problem: null,
        event_log: { connected: true, queued: expect.any(Number) as number, dropped: 0 },
      },
    ]);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  });

  it('reads nothing, and is healthy, where the source is none', async () => {
    const url = await start({ source: 'none' });
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: 'ok', gpus: 0, reading_age_seconds: null });
    await app!.drain();
    app = undefined;
    expect(await stored(0)).toEqual([]);
  });

  it('is healthy without a GPU, and says what it misses', async () => {
    process.env['PATH'] = '/nowhere';
    const url = await start({ source: 'auto' });
    const deadline = performance.now() + 5_000;
    let health: Record<string, unknown> = {};
    while (!health['problem'] && performance.now() < deadline) health = (await (await fetch(`${url}/health`)).json()) as typeof health;
    expect(health).toMatchObject({ status: 'ok', gpus: 0, problem: 'nvidia-smi is not installed' });
  });

  it('starts without a log, says so, and stores its readings in order when it is there', async () => {
    let isAway = true;
    const pass = async <T>(work: () => Promise<T>): Promise<T> => {
      if (isAway) throw new Error('no broker can be reached');
      return work();
    };
    const moody = Object.assign(Object.create(log) as EventLog, {
      ensureTopics: async (...args: Parameters<EventLog['ensureTopics']>) => pass(() => log.ensureTopics(...args)),
      partitions: async (topic: string) => pass(() => log.partitions(topic)),
      append: async (...args: Parameters<EventLog['append']>) => pass(() => log.append(...args)),
    });
    app = await startGpuProbe(SETTINGS, moody, new Logger('test', 'error'));
    const { url } = app;
    const health = async () => (await (await fetch(`${url}/health`)).json()) as { event_log: { connected: boolean; queued: number } };
    const deadline = performance.now() + 5_000;
    while ((await health()).event_log.queued < 3 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await health()).event_log.connected).toBe(false);
    expect((await fetch(`${url}/health/ready`)).status).toBe(503);
    isAway = false;
    const found = await stored(4);
    expect(found.length).toBeGreaterThanOrEqual(4);
    expect(found.map(({ event }) => event.sequence)).toEqual(found.map((_, index) => index + 1));
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  });

  it('stores what it has read before it ends, however slow the log is', async () => {
    const slow = Object.create(log) as EventLog;
    slow.append = async (...args) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      await log.append(...args);
    };
    const probe = await startGpuProbe(SETTINGS, slow, new Logger('test', 'error'));
    await probe.drain();
    expect((await stored(0)).length).toBeGreaterThan(0);
  });

  it('asks nvidia-smi, and asks it no more once it has ended', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'probe-'));
    const device = '0, GPU-1, 7823, 10240, 2048, 369, 41, 55, 121.37, 550.54.15, NVIDIA GeForce RTX 3080';
    writeFileSync(join(folder, 'nvidia-smi'), `#!/bin/sh\necho x >> ${folder}/calls; echo "${device}"\n`, { mode: 0o755 });
    process.env['PATH'] = `${folder}:${PATH}`;
    await start({ source: 'nvidia-smi' });
    const [first] = await stored(1);
    expect(first).toMatchObject({ key: 'gpu-box/GPU-1', event: { data: { power_watts: 121.37 } } });
    await app!.drain();
    const calls = readFileSync(join(folder, 'calls'), 'utf8').length;
    await start({ probeId: 'another' });
    await stored((await stored(0)).length + 5);
    expect(readFileSync(join(folder, 'calls'), 'utf8')).toHaveLength(calls);
    rmSync(folder, { recursive: true });
  });
});
