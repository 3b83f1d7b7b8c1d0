import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readWithKafkajs, writeWithKafkajs } from '../../../test/support/kafka-admin.js';
import { kafkaForTests } from '../../../test/support/kafka.js';
import { newTopic, Notebook, numbered, readAll, record, textOf, until } from '../contract/support.contract.js';
import { brokersIn } from './address.js';
import { KafkaEventLog } from './kafka-event-log.js';

const hooks = fileURLToPath(new URL('../../../tools/run-sources.js', import.meta.url));
const fixture = fileURLToPath(new URL('log-child.fixture.ts', import.meta.url));
const kafka = await kafkaForTests();
const brokers = kafka?.brokers ?? '';

/** What heartbeats, long polls and their answers need is a tenth of it. */
const IDLE_TURNS_PER_SECOND = 60;

const children: ChildProcess[] = [];

function child(role: string, topic: string) {
  const started = spawn(process.execPath, ['--experimental-transform-types', '--import', hooks, fixture, role, brokers, topic], {
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(started);
  const lines: string[] = [];
  createInterface(started.stdout).on('line', (line) => lines.push(line));
  const ended = new Promise<void>((resolve) => started.once('close', () => resolve()));
  return { process: started, lines, ended };
}

describe.skipIf(kafka === undefined)('clients of a real broker', () => {
  let log: KafkaEventLog;
  beforeEach(() => {
    log = new KafkaEventLog({ seeds: brokersIn(`kafka://${brokers}`) });
  });
  afterEach(async () => {
    for (const one of children.splice(0)) one.kill('SIGKILL');
    await log.close();
  });

  it('of another make read what is appended here, as CloudEvents', async () => {
    const topic = await newTopic(log, { partitions: 1 });
    await log.append(topic, [record(0, '请求', '{"a":1}'), record(0, 'b', null), record(0, '', '')]);
    const headers = { 'content-type': 'application/cloudevents+json' };
    expect(await readWithKafkajs(brokers, topic, 3)).toEqual([
      { key: '请求', value: '{"a":1}', headers },
      { key: 'b', value: null, headers: {} },
      { key: '', value: '', headers },
    ]);
  });

  it('of another make are read here: compressed, and without keys', async () => {
    const topic = await newTopic(log, { partitions: 1 });
    const values = Array.from({ length: 1500 }, (_, index) => `value ${index}`);
    await writeWithKafkajs(brokers, topic, values.slice(0, 1000));
    await writeWithKafkajs(brokers, topic, values.slice(1000));
    const stored = await readAll(log, topic);
    expect(stored.map(({ value }) => textOf(value))).toEqual(values);
    expect(new Set(stored.map(({ key }) => key))).toEqual(new Set(['']));
  });

  it('that were stopped for longer than a session hand over nothing before they have let go', { timeout: 60_000 }, async () => {
    const topic = await newTopic(log, { partitions: 2 });
    for (let round = 0; round < 20; round += 1) await log.append(topic, [...numbered(0, 1000), ...numbered(1, 1000)]);
    const zombie = child('consume', topic);
    // Both partitions have been handed over for the second time: nothing is about to be in these very milliseconds.
    await until('the child is at work', () => zombie.lines.filter((line) => line.startsWith('read')).length > 3);
    zombie.process.kill('SIGSTOP');
    const heir = new Notebook();
    const consumption = await log.consume(topic, 'g', heir);
    await until('the heir owns both', () => heir.owned.size === 2, 30_000);
    await until('the heir has read all', () => heir.records.length === 40_000);
    const said = zombie.lines.length;
    zombie.process.kill('SIGCONT');
    await until('the child is a member again', () => zombie.lines.slice(said).some((line) => line.startsWith('assigned')), 20_000);
    expect(zombie.lines.slice(said, said + 2).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['revoked 0', 'revoked 1']);
    await until('they share', () => heir.owned.size === 1);
    zombie.process.stdin.end();
    await zombie.ended;
    await consumption.close();
  });

  it('seldom wake up while nothing happens, and warn of nothing', { timeout: 60_000 }, async () => {
    const topic = await newTopic(log, { partitions: 6 });
    const idle = child('idle', topic);
    await idle.ended;
    expect(idle.lines).not.toContain('warning TimeoutNegativeWarning');
    const turnsPerSecond = Number(idle.lines.find((line) => line.startsWith('idle'))?.slice('idle '.length));
    expect(turnsPerSecond).toBeGreaterThan(0);
    // A timer that is always due turns the loop hundreds of times a second.
    expect(turnsPerSecond).toBeLessThan(IDLE_TURNS_PER_SECOND);
  });
});
