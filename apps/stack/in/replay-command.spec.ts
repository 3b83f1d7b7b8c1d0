import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventSource, topicsOf, type EventData, type InferometerEvent } from '#libs/contracts';
import { openEventLog, partitionOf } from '#libs/event-log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replayCommand, USAGE, type Terminal } from './replay-command.js';

const TIME_MS = 1_767_225_600_000;
const { requests, gpus } = topicsOf();
/** Not where their key would put them. */
const READINGS_IN = (partitionOf('h/GPU-1', gpus.partitions) + 1) % gpus.partitions;

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'replay-'));
  file = join(folder, 'events.ndjson');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function run(args: readonly string[], env: Record<string, string> = {}, watched = false) {
  const written = { out: '', error: '', drawn: '' };
  const terminal: Terminal = {
    out: (text) => void (written.out += `${text}\n`),
    error: (text) => void (written.error += `${text}\n`),
    ...(watched ? { draw: (text: string) => void (written.drawn += text) } : {}),
  };
  const code = await replayCommand(args, { EVENT_LOG_URL: `file:${folder}/log`, ...env }, terminal);
  return { code, ...written };
}

interface Stored {
  readonly partition: number;
  readonly key: string;
  readonly value: string;
}

async function storedIn(topic: string): Promise<Stored[]> {
  const log = await openEventLog(`file:${folder}/log`);
  const found: Stored[] = [];
  const following = await log.follow(topic, 'beginning', {
    records: (partition, records) =>
      void found.push(...records.map(({ key, value }) => ({ partition, key, value: Buffer.from(value!).toString() }))),
  });
  await following.caughtUp;
  await following.close();
  await log.close();
  return found;
}

function received(id: string): EventData<'io.inferometer.request.received.v1'> {
  return { request_id: id, operation: 'chat', model: 'm', stream: true };
}

/** Events of one gateway over all partitions, and some readings, in the order of recording. */
function recording(requestCount: number): InferometerEvent[] {
  const gateway = new EventSource('/gateways/g', 'boot');
  const probe = new EventSource('/probes/p', 'boot');
  const reading = {
    host: 'h',
    uuid: 'GPU-1',
    index: 0,
    name: 'X',
    vendor: 'NVIDIA',
    memory_used_bytes: 1,
    memory_total_bytes: 2,
    memory_free_bytes: 1,
  };
  return Array.from({ length: requestCount }, (_, index) => {
    const id = `req-${index}`;
    const request = gateway.stamp('io.inferometer.request.received.v1', partitionOf(id, 6), id, received(id), TIME_MS + index);
    return index % 10 === 0
      ? [request, probe.stamp('io.inferometer.gpu.read.v1', READINGS_IN, 'h/GPU-1', reading, TIME_MS + index)]
      : [request];
  }).flat();
}

function ndjson(events: readonly object[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join('');
}

describe('replay', () => {
  it('appends every event byte for byte, in order, to the partition that it was numbered for', async () => {
    const events = recording(2_500);
    writeFileSync(file, ndjson(events));
    const { code, out, error } = await run([file]);
    expect([code, error]).toEqual([0, '']);
    expect(out).toContain('2,750 lines');
    expect(out).toMatch(/appended +2,750\n +request.received.v1 +2,500\n +gpu.read.v1 +250\n +refused +0/);
    const stored = await storedIn(requests.name);
    for (let partition = 0; partition < requests.partitions; partition += 1) {
      const its = stored.filter((record) => record.partition === partition);
      const expected = events.filter(({ id, type }) => type.includes('.request.') && id.startsWith(`g/boot/${partition}/`));
      expect(its.map(({ value }) => value)).toEqual(expected.map((event) => JSON.stringify(event)));
      expect(its.map(({ key }) => key)).toEqual(expected.map(({ subject }) => subject));
    }
    const readings = await storedIn(gpus.name);
    expect([readings.length, readings[0]!.key, new Set(readings.map(({ partition }) => partition))]).toEqual([
      250,
      'h/GPU-1',
      new Set([READINGS_IN]),
    ]);
  });

  it('appends the good lines and tells of the bad ones, with exit code 1', async () => {
    const [first, , second] = recording(2) as [object, object, object];
    writeFileSync(
      file,
      `${JSON.stringify(first)}\r\n\n{"half":\n${'x'.repeat(1_100_000)}\n${JSON.stringify({ ...second, sequence: -1 })}\n${JSON.stringify(second)}`,
    );
    const { code, out } = await run([file]);
    expect(code).toBe(1);
    expect(out).toMatch(/6 lines/);
    expect(out).toMatch(/refused +3/);
    expect(out).toMatch(/not_json +1 {2}line 3/);
    expect(out).toMatch(/too_large +1 {2}line 4/);
    expect(out).toMatch(/bad_field +1 {2}line 5: \/sequence must be >= 1/);
    expect(await storedIn(requests.name)).toHaveLength(2);
  });

  it('falls back on the key where the id names no partition that there is', async () => {
    const [event] = recording(1) as [InferometerEvent];
    writeFileSync(
      file,
      ndjson([
        { ...event, id: 'elsewhere' },
        { ...event, id: 'g/boot/99/1' },
      ]),
    );
    expect((await run([file])).code).toBe(0);
    const partition = partitionOf('req-0', requests.partitions);
    expect((await storedIn(requests.name)).map((record) => record.partition)).toEqual([partition, partition]);
  });

  it('works beside a process that has the log open and writes to it', async () => {
    writeFileSync(file, ndjson(recording(1_500)));
    const log = await openEventLog(`file:${folder}/log`);
    await log.ensureTopics(Object.values(topicsOf()));
    const writing = (async () => {
      for (let turn = 0; turn < 50; turn += 1) await log.append(requests.name, [{ partition: 0, key: 'own', value: Buffer.from('{}') }]);
    })();
    expect((await run([file])).code).toBe(0);
    await writing;
    await log.close();
    const stored = await storedIn(requests.name);
    expect([stored.length, stored.filter(({ key }) => key === 'own').length]).toEqual([1_550, 50]);
  });

  it('appends nothing in a dry run, and makes no log', async () => {
    writeFileSync(file, ndjson(recording(10)));
    const { code, out } = await run([file, '--dry-run'], { EVENT_LOG_URL: 'memory:' });
    expect([code, out]).toEqual([0, expect.stringMatching(/would be appended +11/)]);
    expect((await run([file, '--dry-run'])).code).toBe(0);
    expect(readdirSync(folder)).toEqual(['events.ndjson']);
  });

  it('uses the topics of the prefix', async () => {
    writeFileSync(file, ndjson(recording(3)));
    expect((await run([file], { EVENT_LOG_TOPIC_PREFIX: 'other.' })).code).toBe(0);
    expect(await storedIn('other.requests')).toHaveLength(3);
  });

  it('draws its progress only where somebody watches, and clears it', async () => {
    writeFileSync(file, ndjson(recording(100)));
    expect((await run([file])).drawn).toBe('');
    const { drawn } = await run([file], {}, true);
    expect(drawn).toMatch(/\] 100 % {2}/);
    expect(drawn.endsWith('\r\u001B[K')).toBe(true);
  });

  it.each([[[]], [['a', 'b']], [['a', '--fast']]])('shows how it is used, with exit code 2: %j', async (args) => {
    expect(await run(args)).toMatchObject({ code: 2, error: `${USAGE}\n`, out: '' });
  });

  it('shows how it is used when asked', async () => {
    expect(await run(['--help'])).toMatchObject({ code: 0, out: `${USAGE}\n` });
  });

  it('says in one line what it cannot read, with exit code 2, and makes no log', async () => {
    const missing = await run([join(folder, 'missing')]);
    expect(missing).toMatchObject({ code: 2, error: expect.stringMatching(/^replay: cannot read \S+missing: ENOENT[^\n]*\n$/) as string });
    expect(await run([folder])).toMatchObject({ code: 2, error: `replay: cannot read ${folder}: it is a folder\n` });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says which setting is wrong, with exit code 2', async () => {
    writeFileSync(file, '');
    expect(await run([file], { EVENT_LOG_URL: 'nowhere' })).toMatchObject({
      code: 2,
      error: expect.stringMatching(/^replay: EVENT_LOG_URL: /) as string,
    });
    expect(await run([file], { EVENT_LOG_URL: 'memory:' })).toMatchObject({
      code: 2,
      error: expect.stringContaining('would be gone') as string,
    });
  });

  it('says that the log cannot be opened, with exit code 2', async () => {
    writeFileSync(file, '');
    expect(await run([file], { EVENT_LOG_URL: `file:${file}/sub` })).toMatchObject({
      code: 2,
      error: expect.stringMatching(/^replay: /) as string,
    });
  });

  it('is content with an empty file', async () => {
    writeFileSync(file, '');
    expect(await run([file])).toMatchObject({ code: 0, out: expect.stringContaining('0 lines') as string });
  });
});
