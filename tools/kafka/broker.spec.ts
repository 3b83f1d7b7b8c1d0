import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { existsSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { canStartKafka, kafkaForTests } from '../../test/support/kafka.js';
import { ROOT } from '../../test/support/shared.js';
import { waitFor } from '../../test/support/wait.js';
import { answers, KafkaBroker } from './broker.js';

const STARTER = `
import { KafkaBroker } from './tools/kafka/broker.ts';
const broker = await KafkaBroker.start();
console.log(broker.pid, broker.port);
setInterval(() => {}, 1000);
`;

const kafka = await kafkaForTests();

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe.skipIf(!kafka)('the shared broker', () => {
  it('answers, and is the same for all who ask', async () => {
    const again = await kafkaForTests();
    expect(again?.brokers).toBe(kafka?.brokers);
    expect(await answers(Number(kafka?.brokers.split(':')[1]))).toBe(true);
  });
});

describe.skipIf(!(await canStartKafka()))('a broker of its own', () => {
  it('comes back at the same address after a kill, and leaves nothing', async () => {
    const broker = await KafkaBroker.start({ listeners: { MORE: 'PLAINTEXT' } });
    onTestFinished(() => broker.stop());
    const { brokers, port, pid } = broker;
    expect(await answers(Number(broker.addressOf('MORE').split(':')[1]))).toBe(true);
    await broker.kill();
    expect([isAlive(pid), await answers(port)]).toEqual([false, false]);
    await broker.restart();
    expect([broker.brokers, await answers(port), broker.pid === pid]).toEqual([brokers, true, false]);
    await broker.stop();
    expect([await answers(port), existsSync(broker.folder)]).toEqual([false, false]);
  });

  it('ends with the process that started it, even when that is killed', async () => {
    const args = ['--import', './tools/run-sources.js', '--input-type=module-typescript', '-e', STARTER];
    const starter = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void starter.kill('SIGKILL'));
    const [line] = (await once(createInterface(starter.stdout), 'line')) as [string];
    const [pid = 0, port = 0] = line.split(' ').map(Number);
    expect([isAlive(pid), await answers(port)]).toEqual([true, true]);
    starter.kill('SIGKILL');
    await waitFor('the broker to end', async () => !isAlive(pid));
    expect(await answers(port)).toBe(false);
  });
});
