import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EventSource, encodeEvent, type EventData } from '#libs/contracts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Fleet } from '../faults/harness/fleet.js';
import type { Ledger } from '../faults/harness/ledger.js';
import { randomFor, type Random } from '../faults/harness/plan.js';
import { readTopic } from '../faults/harness/read-topic.js';
import { pythonOfExamples } from '../support/examples-python.js';
import { kafkaForTests } from '../support/kafka.js';
import { ROOT } from '../support/shared.js';
import { temporaryFolder } from '../support/stack.js';
import { STREAMED_CHAT } from '../support/traffic.js';
import { waitFor } from '../support/wait.js';

const PROGRAM = `${ROOT}examples/python-billing/billing.py`;
const KILLS = 4;
const REQUESTS_PER_SECOND = 300;
const COPIES = 500;

const kafka = await kafkaForTests();
const python = pythonOfExamples();

/** The billing program on topics of its own, and its database. */
class Billing {
  private constructor(
    readonly fleet: Fleet,
    private readonly database: string,
  ) {}

  static async start(): Promise<Billing> {
    const fleet = await Fleet.on(kafka!.brokers);
    onTestFinished(() => fleet.close());
    return new Billing(fleet, join(temporaryFolder(), 'bill.sqlite'));
  }

  /** Starts the program. */
  run(...args: readonly string[]) {
    const child = spawn(python!, [PROGRAM, '--db', this.database, ...args], {
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...this.fleet.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let [out, said] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
    const ended = new Promise<{ readonly code: number | null; readonly out: string; readonly said: string }>((resolve) => {
      child.once('close', (code) => resolve({ code, out, said }));
    });
    return { kill: () => void child.kill('SIGKILL'), ended };
  }

  /** Bills everything that is there. Resolves with what was said. */
  async finish(): Promise<string> {
    const { code, said } = await this.run('--once').ended;
    if (code !== 0) throw new Error(`billing ended with ${code}: ${said}`);
    return said;
  }

  /** The bill as the program prints it. */
  async bill(): Promise<string> {
    return (await this.run('--report').ended).out;
  }

  /** How many events are billed by now. */
  billed(): number {
    return this.sql((db) => db.prepare('SELECT count(*) AS n FROM billed').get()!['n'] as number);
  }

  sql<T>(work: (db: DatabaseSync) => T): T {
    const db = new DatabaseSync(this.database, { timeout: 5_000 });
    try {
      return work(db);
    } finally {
      db.close();
    }
  }

  async append(values: readonly (Uint8Array | null)[]): Promise<void> {
    await this.fleet.log.append(
      this.fleet.topics.requests.name,
      values.map((value) => ({ partition: 0, key: 'k', value })),
    );
  }

  /** Appends stored events a second time, as a producer does that has not heard that they are stored. */
  async redeliver(random: Random): Promise<void> {
    const { name } = this.fleet.topics.requests;
    const stored = await readTopic(this.fleet.log, name);
    const copies = Array.from({ length: COPIES }, () => random.pick(stored));
    await this.fleet.log.append(
      name,
      copies.map(({ partition, key, value }) => ({ partition, key, value })),
    );
  }
}

/** What the program should print for the ledger, and for `more` lines. */
function billOf(ledger: Ledger, ...more: readonly string[]): string {
  const lines = ledger.labels.map((labels) => {
    const { successful, failed, cancelled, input, output } = ledger.lineOf(labels);
    return `${labels.tenant},${labels.model},${successful + failed + cancelled},${input},${output},0,0`;
  });
  const sorted = [...more, ...lines].toSorted((a, b) => (a < b ? -1 : 1));
  return ['tenant,model,requests,input_tokens,output_tokens,counted,unknown', ...sorted, ''].join('\n');
}

/** The end of a request that has no tenant. */
function completed(source: EventSource, data: Partial<EventData<'io.inferometer.request.completed.v1'>>): Buffer {
  return encodeEvent(source.stamp('io.inferometer.request.completed.v1', 0, 'r', { ...STREAMED_CHAT, ...data }, Date.now()));
}

describe.skipIf(!kafka || python === undefined)('the bill of examples/python-billing', () => {
  it(`is exact after ${KILLS} kill -9 under load and ${COPIES} events delivered twice`, { timeout: 120_000 }, async () => {
    const random = randomFor('billing killed');
    const billing = await Billing.start();
    const generator = billing.fleet.generator(random);
    generator.start(REQUESTS_PER_SECOND);
    let billedBefore = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const running = billing.run();
      const wanted = billedBefore + random.integer(50, 200);
      await waitFor('it to bill', async () => billing.billed() >= wanted, 30_000);
      running.kill();
      await running.ended;
      billedBefore = billing.billed();
      await billing.redeliver(random);
    }
    await generator.stop();
    expect(await billing.finish()).toBe('');
    expect(await billing.bill()).toBe(billOf(generator.ledger));
    expect(billedBefore).toBeLessThan(generator.ledger.total);
  });

  it('and how far it goes are stored together, or not at all', { timeout: 60_000 }, async () => {
    const random = randomFor('billing torn');
    const billing = await Billing.start();
    const generator = billing.fleet.generator(random);
    await generator.burst(400);
    await billing.finish();
    await generator.burst(400);
    await generator.stop();
    const whole = await billing.bill();
    // What happens when the disk is full, or the power fails, in the middle of a batch.
    const crash = `CREATE TRIGGER crash BEFORE INSERT ON billed WHEN (SELECT count(*) FROM billed) = ${billing.billed() + 100}
      BEGIN SELECT RAISE(ABORT, 'crash'); END`;
    billing.sql((db) => db.exec(crash));
    const { code, said } = await billing.run('--once').ended;
    expect({ code, crashed: said.includes('crash') }).toEqual({ code: 1, crashed: true });
    billing.sql((db) => db.exec('DROP TRIGGER crash'));
    expect(whole).not.toBe(billOf(generator.ledger));
    await billing.finish();
    expect(await billing.bill()).toBe(billOf(generator.ledger));
  });

  it('goes on where it was, says of what it does not bill where it stands, and counts what is not known', async () => {
    const billing = await Billing.start();
    const source = new EventSource('/gateways/g', 'boot');
    const known = completed(source, {});
    const counted = completed(source, { usage_source: 'counted', output_tokens: 3 });
    const { input_tokens: _input, output_tokens: _output, ...unmetered } = STREAMED_CHAT;
    const unknown = encodeEvent(
      source.stamp('io.inferometer.request.failed.v1', 0, 'r', { ...unmetered, usage_source: 'unknown', error_type: 'internal' }, 0),
    );
    const wrong = [
      Buffer.from('the prompt'),
      null,
      Buffer.from('\u00ff', 'latin1'),
      Buffer.from(`{"a":${'['.repeat(100_000)}`),
      Buffer.from(JSON.stringify({ ...JSON.parse(known.toString()), type: 'io.inferometer.request.completed.v2' })),
      Buffer.from(known.toString().replace('"output_tokens":11', '"output_tokens":"11"')),
      Buffer.from('{"type":"io.inferometer.request.failed.v1","id":"x"}'),
    ];
    await billing.append([...wrong, Buffer.from('{"type":"another"}'), known, counted, unknown, known]);
    const said = await billing.finish();
    expect(said.trim().split('\n')).toEqual(
      [
        'not JSON',
        'not an event',
        'not JSON',
        'not JSON',
        'an event of another version',
        'tokens that are no count',
        'an event without data',
      ].map((reason, offset) => `${billing.fleet.topics.requests.name}, partition 0, offset ${offset}: not billed: ${reason}`),
    );
    // Known and counted input, 7 each; known output 11, counted 3; the third tells nothing.
    const bill = await billing.bill();
    expect(bill).toMatch(/\n,m,3,14,14,1,1\n$/);
    // Where it goes on does not hang on what it remembers.
    billing.sql((db) => db.exec('DELETE FROM billed'));
    expect(await billing.finish()).toBe('');
    expect(await billing.bill()).toBe(bill);
  });
});
