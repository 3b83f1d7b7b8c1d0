import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { encodeEvent, EventSource, topicsOf, type InferometerEvent } from '#libs/contracts';
import { openEventLog, type EventLog } from '#libs/event-log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kafkaForTests } from '../../../test/support/kafka.js';
import { temporaryFolder } from '../../../test/support/stack.js';
import { eventsOf, heartbeat, onePlanned, START_MS } from '../../../test/support/traffic.js';
import { waitFor } from '../../../test/support/wait.js';
import { tailCommand } from './tail-command.js';

const { requests, gpus } = topicsOf();
const gateway = new EventSource('/gateways/g', 'boot');
const READING = {
  host: 'h',
  uuid: 'u',
  index: 0,
  name: 'gpu',
  vendor: 'v',
  memory_used_bytes: 1,
  memory_total_bytes: 2,
  memory_free_bytes: 1,
};

const kafka = await kafkaForTests();

let folder: string;
let nowMs: number;
let log: EventLog;
let stopping: AbortController;
beforeEach(async () => {
  folder = join(temporaryFolder(), 'log');
  nowMs = START_MS;
  log = await openEventLog(`file:${folder}`, { now: () => nowMs });
  stopping = new AbortController();
});
afterEach(() => log.close());

const ofRequest = (id: string, model = 'm'): readonly InferometerEvent[] =>
  eventsOf(onePlanned({ id, model, end: 'completed' }), gateway, 0, START_MS);
const reading = (): InferometerEvent => gateway.stamp('io.inferometer.gpu.read.v1', 0, 'u', READING, START_MS);

async function append(topic: string, ...events: readonly (InferometerEvent | string | null)[]): Promise<void> {
  const values = events.map((event) => (typeof event === 'string' ? Buffer.from(event) : event && encodeEvent(event)));
  await log.append(
    topic,
    values.map((value) => ({ partition: 0, key: 'k', value })),
  );
}

/** A running tail, and what it has written so far. */
function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const written = { out: '', said: '' };
  const terminal = {
    print: async (text: string) => void (written.out += text),
    say: (line: string) => void (written.said += `${line}\n`),
    colored: false,
  };
  const ended = tailCommand(args, { EVENT_LOG_URL: `file:${folder}`, ...env }, terminal, stopping.signal);
  return { written, ended, lines: () => written.out.split('\n').slice(0, -1) };
}

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const tail = start(args, env);
  const code = await tail.ended;
  return { code, ...tail.written, lines: tail.lines() };
}

describe('npm run tail', () => {
  it('prints what comes while it runs, from both topics, beside others that use the log, until it is stopped', async () => {
    await log.ensureTopics([requests, gpus]);
    await append(requests.name, ...ofRequest('before'));
    const tail = start([]);
    // It has begun when it sees what comes; only then is it sure to see all that comes.
    await waitFor('it to follow both topics', async () => {
      await append(requests.name, ...ofRequest('probe'));
      await append(gpus.name, reading());
      return tail.written.out.includes('probe') && tail.written.out.includes('gpu.read');
    });
    await append(requests.name, heartbeat(gateway, 0, START_MS), ...ofRequest('late'));
    await waitFor('the late request', async () => tail.lines().filter((line) => line.includes('late')).length === 3);
    stopping.abort();
    expect(await tail.ended).toBe(0);
    expect(tail.written.said).toBe('');
    expect(tail.written.out).not.toMatch(/before|heartbeat/);
    expect(
      tail
        .lines()
        .filter((line) => line.includes('late'))
        .at(-1),
    ).toMatch(/^00:00:01\.000 {2}completed +late +m +- +stop status=200/);
  });

  it('ends by itself with --once, having read all that was there', async () => {
    await log.ensureTopics([requests, gpus]);
    const ids = Array.from({ length: 1_500 }, (_unused, index) => `r-${index}`);
    await append(requests.name, ...ids.flatMap((id) => ofRequest(id)));
    const { code, lines, said } = await run(['--once', '--type', 'completed']);
    expect({ code, said }).toEqual({ code: 0, said: '' });
    expect(lines.map((line) => line.split(/ +/)[2])).toEqual(ids);
  });

  it('prints the stored events themselves with --json', async () => {
    await log.ensureTopics([requests, gpus]);
    const [received, started, completed] = ofRequest('r');
    const foreign = JSON.stringify({ ...received, later: { field: 1 } }).replace('"stream"', '\n  "stream"');
    await append(requests.name, foreign, started!, heartbeat(gateway, 0, START_MS), completed!);
    await append(gpus.name, reading());
    const { lines } = await run(['--once', '--json', '--request', 'r']);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([{ ...received, later: { field: 1 } }, started, completed]);
    expect((await run(['--once', '--json', '--type', 'heartbeat'])).lines).toHaveLength(1);
  });

  it('selects by model and type', async () => {
    await log.ensureTopics([requests, gpus]);
    await append(requests.name, ...ofRequest('a', 'm'), ...ofRequest('b', 'n'));
    const { lines } = await run(['--once', '--model', 'n', '--type', 'started,completed']);
    expect(lines.map((line) => line.split(/ +/).slice(1, 3))).toEqual([
      ['started', 'b'],
      ['completed', 'b'],
    ]);
  });

  it('begins at a time of the log’s own', async () => {
    await log.ensureTopics([requests, gpus]);
    await append(requests.name, ...ofRequest('early'), 'not an event, and long gone');
    nowMs = START_MS + 60_000;
    await append(requests.name, ...ofRequest('then'));
    const { lines, said } = await run(['--once', '--from', '2026-01-01T00:01:00Z', '--type', 'completed']);
    expect(lines).toEqual([expect.stringContaining('then') as string]);
    expect(said).toBe('');
  });

  it('passes over what is no event, and says where it was, never what', async () => {
    await log.ensureTopics([requests, gpus]);
    const bad = JSON.stringify({ ...ofRequest('r')[0], data: { request_id: 7, secret: 'the prompt' } });
    await append(requests.name, 'the prompt', null, bad, ofRequest('r')[0]!);
    const { code, lines, said } = await run(['--once']);
    expect({ code, count: lines.length }).toEqual({ code: 0, count: 1 });
    expect(said.split('\n')).toEqual([
      'tail: inferometer.requests, partition 0, offset 0 is no event: not_json',
      'tail: inferometer.requests, partition 0, offset 1 is no event: empty',
      'tail: inferometer.requests, partition 0, offset 2 is no event: bad_field',
      '',
    ]);
  });

  it('lets no control of a name reach the terminal', async () => {
    await log.ensureTopics([requests, gpus]);
    await append(requests.name, ...ofRequest('r', '\u001b]0;title\u0007\u009b2J'));
    for (const args of [['--once'], ['--once', '--json']]) {
      const { out } = await run(args);
      expect(out.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    }
  });
});

describe('a log that is not ready', () => {
  it('is waited for where it lacks a topic, and then read from its beginning', async () => {
    await log.ensureTopics([gpus]);
    const tail = start([]);
    await waitFor('its word', async () => tail.written.said.includes('waiting'));
    await log.ensureTopics([requests]);
    await append(requests.name, ...ofRequest('first'));
    await waitFor('the first request', async () => tail.lines().length === 3);
    stopping.abort();
    expect(await tail.ended).toBe(0);
    expect(tail.written.said).toBe('tail: topic inferometer.requests does not exist yet: waiting for it\n');
  });

  it.skipIf(!kafka)('is waited for on Kafka, too', async () => {
    const [url, prefix] = [`kafka://${kafka?.brokers}`, `tail-${randomUUID().slice(0, 8)}.`];
    const tail = start(['--type', 'completed'], { EVENT_LOG_URL: url, EVENT_LOG_TOPIC_PREFIX: prefix });
    await waitFor('its word', async () => tail.written.said.includes('waiting'));
    await log.close();
    log = await openEventLog(url);
    const topic = topicsOf(prefix).requests;
    await log.ensureTopics([topic]);
    await append(topic.name, ...ofRequest('first'));
    await waitFor('the first request', async () => /completed +first /.test(tail.written.out), 20_000);
    stopping.abort();
    expect(await tail.ended).toBe(0);
    expect(tail.written.said).toBe(`tail: topic ${topic.name} does not exist yet: waiting for it\n`);
  });

  it('can be given up', async () => {
    const tail = start([]);
    await waitFor('its word', async () => tail.written.said.includes('waiting'));
    stopping.abort();
    expect(await tail.ended).toBe(0);
  });

  it('ends --once with 1 where it lacks a topic', async () => {
    expect(await run(['--once'], { EVENT_LOG_TOPIC_PREFIX: 'other.' })).toMatchObject({
      code: 1,
      said: expect.stringMatching(/^tail: topic other\.\w+ does not exist\n$/) as string,
    });
  });

  it('is refused, not made, where its folder is missing', async () => {
    const missing = join(folder, 'missing');
    expect(await run([], { EVENT_LOG_URL: `file:${missing}` })).toMatchObject({
      code: 2,
      said: `tail: there is no event log in ${missing}\n`,
    });
    expect(existsSync(missing)).toBe(false);
  });

  it('ends it with 1 where no broker can be reached', async () => {
    expect(await run([], { EVENT_LOG_URL: 'kafka://127.0.0.1:1' })).toMatchObject({
      code: 1,
      said: expect.stringMatching(/^tail: no broker can be reached/) as string,
    });
  });
});

describe('mistakes', () => {
  it.each([
    [['--type', 'complete\u001b[2J'], {}, 'tail: --type "complete\ufffd[2J" is none of request.received'],
    [[], { EVENT_LOG_URL: 'memory:' }, 'tail: EVENT_LOG_URL: memory: holds nothing'],
    [[], { EVENT_LOG_URL: 'kafka://user:secret@host' }, 'tail: EVENT_LOG_URL: must be file:FOLDER'],
  ])('%j %j end it with 2', async (args, env, said) => {
    const tail = await run(args, env);
    expect(tail).toMatchObject({ code: 2, out: '' });
    expect(tail.said.slice(0, said.length)).toBe(said);
    expect(tail.said).not.toContain('secret');
  });

  it('are avoided by its help, which lists types, options and settings', async () => {
    const { code, out } = await run(['--help']);
    expect(code).toBe(0);
    for (const word of ['request.first_token', '--from WHEN', '--once', 'EVENT_LOG_SASL_PASSWORD']) expect(out).toContain(word);
  });
});
