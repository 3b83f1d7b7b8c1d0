import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { EventSource, encodeEvent, type GatewayHeartbeat } from '#libs/contracts';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Fleet } from '../faults/harness/fleet.js';
import { kafkaForTests } from '../support/kafka.js';
import { ROOT } from '../support/shared.js';
import { waitFor } from '../support/wait.js';

const PROGRAM = 'examples/typescript-consumer/autoscale.ts';
const PARTITIONS = 6;
const GAUGES = { peak_running: 0, max_concurrent: 8, max_queue: 8, received_total: 0, spooled: 0, dropped: 0, version: 'test' };

const kafka = await kafkaForTests();

/** A gateway's heartbeat in every partition, as the gateway sends it. */
async function beat(fleet: Fleet, source: EventSource, gauges: Pick<GatewayHeartbeat, 'waiting' | 'running'>): Promise<void> {
  const partitions = Array.from({ length: PARTITIONS }, (_unused, partition) => partition);
  const type = 'io.inferometer.gateway.heartbeat.v1';
  const records = partitions.map((partition) => {
    const event = source.stamp(type, partition, 'g', { ...GAUGES, ...gauges }, Date.now());
    return { partition, key: source.source, value: encodeEvent(event) };
  });
  await fleet.log.append(fleet.topics.requests.name, records);
}

function start(fleet: Fleet) {
  const child = spawn(process.execPath, [PROGRAM], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], REQUESTS_PER_REPLICA: '4', ...fleet.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: unknown[] = [];
  createInterface(child.stdout).on('line', (line) => lines.push(JSON.parse(line)));
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { lines, errors: () => errors, ended, stop: () => void child.kill('SIGTERM') };
}

beforeAll(() => {
  spawnSync(process.execPath, ['tools/build-if-stale.js'], { cwd: ROOT, stdio: 'inherit' });
}, 120_000);

describe.skipIf(!kafka)('examples/typescript-consumer', () => {
  it('tells the load of the gateways that live, and the replicas that it asks for', { timeout: 60_000 }, async () => {
    const fleet = await Fleet.on(kafka!.brokers);
    onTestFinished(() => fleet.close());
    const [one, two] = [new EventSource('/gateways/one', 'boot'), new EventSource('/gateways/two', 'boot')];
    const example = start(fleet);
    const told = (line: object, keepUp: () => Promise<void>) =>
      waitFor(
        `${JSON.stringify(line)}, after ${JSON.stringify(example.lines)} ${example.errors()}`,
        async () => {
          await keepUp();
          expect(example.lines.at(-1)).toEqual(line);
          return true;
        },
        20_000,
      );
    await told({ gateways: 1, waiting: 0, running: 3, replicas: 1 }, () => beat(fleet, one, { waiting: 0, running: 3 }));
    await beat(fleet, two, { waiting: 9, running: 8 });
    await fleet.log.append(fleet.topics.requests.name, [{ partition: 0, key: 'k', value: Buffer.from('no event') }]);
    await told({ gateways: 2, waiting: 9, running: 11, replicas: 5 }, async () => {});
    // The second is silent from here on.
    await told({ gateways: 1, waiting: 0, running: 0, replicas: 1 }, () => beat(fleet, one, { waiting: 0, running: 0 }));
    expect(example.errors()).toBe('');
    example.stop();
    expect(await example.ended).toBe(0);
  });
});
