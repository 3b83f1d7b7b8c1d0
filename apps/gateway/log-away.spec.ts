import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { topicsOf, type InferometerEvent } from '#libs/contracts';
import { openEventLog, partitionOf } from '#libs/event-log';
import { MoodyLog, type Mood } from './moody-log.fixture.js';
import { answerJson, chatChunk, DONE, ScriptedUpstream, startStream } from './scripted-upstream.fixture.js';
import { chatBody, send, TestGateway, until, type Answer } from './test-gateway.fixture.js';

const MOODS: readonly Mood[] = ['fails', 'hangs', 'stores, then fails', 'wrong password'];
const HEARTBEAT = 'io.inferometer.gateway.heartbeat.v1';

let upstream: ScriptedUpstream;
let folder: string;
let gateways: TestGateway[];
beforeEach(async () => {
  upstream = await ScriptedUpstream.start();
  upstream.script = answerJson({ usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } });
  folder = mkdtempSync(join(tmpdir(), 'gateway-spool-'));
  gateways = [];
});
afterEach(async () => {
  for (const gateway of gateways) {
    await gateway.drain();
    await gateway.close();
  }
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

async function startOn(log: MoodyLog, options: object = {}): Promise<TestGateway> {
  const spool = { folder, maxBytes: 1e8 };
  const gateway = await TestGateway.start(upstream.url, {}, () => {}, { wrap: log.wrap, spool, ...options });
  gateways.push(gateway);
  return gateway;
}

const ask = (gateway: TestGateway, id?: string): Promise<Answer> => {
  const headers = { 'content-type': 'application/json', ...(id !== undefined && { 'x-request-id': id }) };
  return send(`${gateway.url}/v1/chat/completions`, { headers, body: chatBody() }).answer;
};

async function askMany(gateway: TestGateway, count: number): Promise<void> {
  for (let asked = 0; asked < count; asked += 10) {
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(gateway)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  }
}

interface Health {
  readonly event_log: { readonly connected: boolean; readonly spooled: number; readonly dropped: number };
}

async function healthOf(gateway: TestGateway): Promise<Health['event_log']> {
  const answer = await send(`${gateway.url}/health`, { method: 'GET' }).answer;
  return (JSON.parse(answer.body.toString()) as Health).event_log;
}

async function becomes(state: 'there' | 'away', gateway: TestGateway): Promise<void> {
  const deadline = performance.now() + 10_000;
  while ((await healthOf(gateway)).connected !== (state === 'there')) expect(performance.now()).toBeLessThan(deadline);
}

/** Every event of one life of a gateway came, in the order of its partition; `once`: and only once. */
function expectWhole(events: readonly InferometerEvent[], once: boolean): void {
  const ids = events.map(({ id }) => id);
  const firsts = [...new Set(ids)];
  expect(ids.length).toBeLessThanOrEqual(once ? firsts.length : Infinity);
  const next = new Map<string, number>();
  for (const id of firsts) {
    const [partition = '', sequence] = id
      .split('/')
      .slice(1)
      .join('/')
      .split(/\/(?=\d+$)/);
    expect([partition, Number(sequence)]).toEqual([partition, next.get(partition) ?? 1]);
    next.set(partition, Number(sequence) + 1);
  }
}

const partitionsOf = (events: readonly InferometerEvent[]) => new Set(events.map((event) => Number(event.id.split('/').at(-2))));

const terminals = (gateway: TestGateway) => new Set(gateway.ofType('io.inferometer.request.completed.v1').map(({ id }) => id)).size;

describe.each(MOODS)('a log that %s', (mood) => {
  it('from the start: the gateway serves, is ready, and tells everything when the log is there', async () => {
    const log = new MoodyLog(mood);
    const gateway = await startOn(log);
    await askMany(gateway, 30);
    await becomes('away', gateway);
    expect((await send(`${gateway.url}/health/ready`, { method: 'GET' }).answer).status).toBe(200);
    const { spooled, dropped } = await healthOf(gateway);
    expect(spooled).toBeGreaterThan(30 * 3);
    expect(dropped).toBe(0);
    log.mood = 'there';
    await until(
      () => terminals(gateway) === 30,
      () => `30 ends; got ${terminals(gateway)}`,
    );
    await becomes('there', gateway); // Or else the drain leaves what comes now on the disk: the 30 may have been stored before.
    await askMany(gateway, 10);
    await gateway.drain();
    await until(
      () => terminals(gateway) === 40,
      () => '40 ends',
    );
    expectWhole(gateway.events, mood !== 'stores, then fails');
  });

  it('that goes away and comes back under load costs no request and no event', async () => {
    const log = new MoodyLog('there');
    const gateway = await startOn(log);
    for (let round = 0; round < 3; round += 1) {
      await askMany(gateway, 20);
      log.mood = mood;
      await askMany(gateway, 40);
      await becomes('away', gateway);
      await askMany(gateway, 20);
      log.mood = 'there';
    }
    await askMany(gateway, 20);
    await until(
      () => terminals(gateway) === 260,
      () => `260 ends; got ${terminals(gateway)}`,
    );
    expect((await healthOf(gateway)).dropped).toBe(0);
    await gateway.drain();
    expectWhole(gateway.events, mood !== 'stores, then fails');
  });
});

describe('a log that is away', () => {
  it('is told of once, and again when it is back', async () => {
    const log = new MoodyLog('wrong password');
    const gateway = await startOn(log);
    await becomes('away', gateway);
    const told = () => gateway.logLines.filter((line) => line.includes('the event log'));
    expect(told()).toHaveLength(1);
    expect(told()[0]).toContain('the event log cannot be used: the brokers refuse the password; trying on, next at');
    log.mood = 'there';
    await until(
      () => told().length === 2,
      () => 'the second line',
    );
    expect(told()[1]).toContain('can be used again');
  });

  it('at the end of the gateway leaves its last events in the spool, from where the next start sends them', async () => {
    const real = await openEventLog('memory:');
    const log = new MoodyLog('there');
    const first = await startOn(log, { on: real });
    await askMany(first, 10);
    log.mood = 'fails';
    await becomes('away', first);
    await askMany(first, 20);
    await first.drain();
    await first.close();
    gateways.length = 0;
    expect(terminals(first)).toBeLessThan(30);
    log.mood = 'there';
    const second = await startOn(log, { on: real });
    expect(second.logLines.join('')).toMatch(/[1-9]\d* events of an earlier start wait in the spool/);
    await askMany(second, 10);
    await until(
      () => terminals(second) === 40,
      () => `40 ends; got ${terminals(second)}`,
    );
    await second.drain();
    await second.close();
    gateways.length = 0;
    expectWhole(second.events, true);
    // The last heartbeat of the first life says that nothing of it is open any more, and that nothing was dropped.
    const boot = second.events[0]!.bootid;
    const last = second.ofType(HEARTBEAT).findLast(({ bootid }) => bootid === boot);
    expect(last?.data).toMatchObject({ running: 0, waiting: 0, received_total: 30, dropped: 0 });
    await real.close();
  });

  it('and without a spool keeps events in memory, and loses none', async () => {
    const log = new MoodyLog('fails');
    const gateway = await startOn(log, { spool: undefined });
    await askMany(gateway, 30);
    await becomes('away', gateway);
    log.mood = 'there';
    await until(
      () => terminals(gateway) === 30,
      () => '30 ends',
    );
    await gateway.drain();
    expect(gateway.events.length).toBeGreaterThan(90);
    expectWhole(gateway.events, true);
  });

  it('and turns out to have more partitions splits no request: its later events follow its first one', async () => {
    const { name } = topicsOf().requests;
    const id = Array.from({ length: 100 }, (_, index) => `req-${index}`).find((key) => partitionOf(key, 6) !== partitionOf(key, 12))!;
    const finish = Promise.withResolvers<void>();
    upstream.script = (_request, response) => {
      startStream(response);
      response.write(chatChunk({ content: 'a' }));
      void finish.promise.then(() => response.end(DONE));
    };
    const log = new MoodyLog('fails');
    const gateway = await startOn(log, { partitions: 12 });
    const headers = { 'content-type': 'application/json', 'x-request-id': id };
    const sent = send(`${gateway.url}/v1/chat/completions`, { headers, body: chatBody({ stream: true }) });
    await sent.firstBytes;
    log.mood = 'there';
    await until(
      () => partitionsOf(gateway.ofType(HEARTBEAT)).size === 12,
      () => `heartbeats in all partitions of ${name}`,
    );
    finish.resolve();
    await sent.answer;
    await gateway.terminal();
    const ofRequest = gateway.events.filter(({ subject }) => subject === id);
    expect(ofRequest).toHaveLength(4);
    expect(partitionsOf(ofRequest)).toEqual(new Set([partitionOf(id, 6)]));
  });

  it('does not start on a spool that another gateway uses', async () => {
    await startOn(new MoodyLog('there'));
    await expect(startOn(new MoodyLog('there'))).rejects.toThrow(/is in use by another process; give each gateway a SPOOL_DIR of its own/);
  });
});
