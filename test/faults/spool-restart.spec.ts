import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { request } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeEvent, topicsOf, type InferometerEvent } from '#libs/contracts';
import { openEventLog } from '#libs/event-log';
import { freePort } from '../../tools/kafka/broker.js';
import { kafkaForTests } from '../support/kafka.js';
import { temporaryFolder } from '../support/stack.js';
import { waitFor } from '../support/wait.js';
import { randomFor } from './harness/plan.js';
import { AppProcess } from './harness/processes.js';
import { readTopic } from './harness/read-topic.js';

/** Answers that a client got so shortly before a kill may not be on disk yet: the flush, and the write to a busy disk. */
const UNSURE_MS = 200;

const kafka = await kafkaForTests();

/** Asks one gateway after the other, and keeps the ids of the requests that were answered, with the time of each answer. */
class Client {
  readonly answered = new Map<string, number>();
  readonly failures: string[] = [];
  private asked = 0;

  /** Asks, some requests at a time, until `isOver`. What is under way when its gateway is killed counts for nothing. */
  async load(gateway: AppProcess, isOver: () => boolean): Promise<void> {
    const one = async (): Promise<void> => {
      while (!isOver() && this.failures.length < 10) await this.ask(gateway, isOver);
    };
    await Promise.all(Array.from({ length: 8 }, one));
  }

  private async ask(gateway: AppProcess, isOver: () => boolean): Promise<void> {
    const id = `req-${(this.asked += 1)}`;
    try {
      const { statusCode, body } = await request(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-request-id': id },
        body: JSON.stringify({ model: 'm', messages: [] }),
      });
      await body.text();
      if (statusCode === 200) this.answered.set(id, performance.now());
      else this.failures.push(`${id}: ${statusCode}`);
    } catch (error) {
      if (!isOver()) this.failures.push(`${id}: ${String(error)}`);
    }
  }
}

async function modelServer(): Promise<string> {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end('{"choices":[{"index":0,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function logOf(gateway: AppProcess): Promise<{ readonly spooled: number; readonly spool_bytes: number }> {
  const { body } = await gateway.get('/health');
  return (JSON.parse(body) as { event_log: { spooled: number; spool_bytes: number } }).event_log;
}

function start(settings: Readonly<Record<string, string>>): Promise<AppProcess> {
  return AppProcess.start('gateway', settings, (kill) => onTestFinished(kill));
}

/** Lets the client load the gateway until it has answered `count` more requests, and then does `end`, under load. */
async function underLoad(client: Client, gateway: AppProcess, count: number, end: () => Promise<unknown>): Promise<void> {
  const goal = client.answered.size + count;
  let isOver = false;
  const loading = client.load(gateway, () => isOver);
  await waitFor(`${count} answers`, async () => client.failures.length > 0 || client.answered.size >= goal, 60_000);
  expect(client.failures).toEqual([]);
  isOver = true;
  await end();
  await loading;
}

async function eventsIn(brokers: string, topic: string): Promise<readonly InferometerEvent[]> {
  const log = await openEventLog(`kafka://${brokers}`);
  onTestFinished(() => log.close());
  const events = new Map<string, InferometerEvent>();
  for (const { value } of await readTopic(log, topic)) {
    const decoded = decodeEvent(value);
    if (decoded.ok) events.set(decoded.value.id, decoded.value);
  }
  return [...events.values()];
}

/** Numbers without a hole, for every life of the gateway and every partition. */
function expectNoGap(events: readonly InferometerEvent[]): void {
  const numbers = new Map<string, Set<number>>();
  for (const { id, sequence } of events) {
    const line = id.slice(0, id.lastIndexOf('/'));
    numbers.set(line, (numbers.get(line) ?? new Set()).add(sequence));
  }
  for (const [line, seen] of numbers) expect([line, Math.max(...seen)]).toEqual([line, seen.size]);
}

describe.skipIf(!kafka)('a gateway without a broker', () => {
  it('killed, stopped and started again tells everything that it has answered', { timeout: 180_000 }, async () => {
    const random = randomFor('spool and restart');
    const prefix = `spool-${random.seed}-${Date.now()}.`;
    const env = {
      UPSTREAM_URL: await modelServer(),
      GATEWAY_ID: 'g',
      EVENT_LOG_TOPIC_PREFIX: prefix,
      SPOOL_DIR: join(temporaryFolder(), 'spool'),
    };
    const away = { ...env, EVENT_LOG_URL: `kafka://127.0.0.1:${await freePort()}` };
    const there = { ...env, EVENT_LOG_URL: `kafka://${kafka!.brokers}` };
    const client = new Client();

    const killed = await start(away);
    await waitFor('the spool is in use', async () => (await logOf(killed)).spool_bytes > 0);
    let killedAtMs = 0;
    await underLoad(client, killed, random.integer(2_000, 8_000), async () => {
      killedAtMs = performance.now();
      await killed.signal('SIGKILL');
    });
    const unsure = new Set([...client.answered].filter(([, atMs]) => atMs > killedAtMs - UNSURE_MS).map(([id]) => id));

    const stopped = await start(away);
    expect(stopped.output).toMatch(/\d+ events of an earlier start wait in the spool/);
    let exitCode: number | null | undefined;
    await underLoad(client, stopped, 500, async () => {
      exitCode = await stopped.signal('SIGTERM');
    });
    expect(exitCode).toBe(0);

    const last = await start(there);
    await waitFor('the spool is sent', async () => (await logOf(last)).spooled < 100, 60_000);
    await underLoad(client, last, 500, async () => {
      exitCode = await last.signal('SIGTERM');
    });
    expect([exitCode, client.failures]).toEqual([0, []]);

    const events = await eventsIn(kafka!.brokers, topicsOf(prefix).requests.name);
    const completed = events.filter(({ type }) => type === 'io.inferometer.request.completed.v1').map(({ subject }) => subject);
    expect(completed.length).toBe(new Set(completed).size);
    const told = new Set(completed);
    expect([...client.answered.keys()].filter((id) => !told.has(id) && !unsure.has(id))).toEqual([]);
    console.log(
      `seed ${random.seed}: ${client.answered.size} answers, ${[...unsure].filter((id) => !told.has(id)).length} of the last ${unsure.size} before the kill lost`,
    );
    expectNoGap(events);
  });
});
