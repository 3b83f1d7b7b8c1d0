import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { request } from 'undici';
import type { BenchRow } from './bench-row.js';
import { cpuSeconds, freePort, residentMegabytes } from './processes.js';

const SETTLE_MS = 10_000;
const IDLE_MS = 30_000;
const START_DEADLINE_MS = 20_000;
const STOP_DEADLINE_MS = 10_000;

/** Cold `npm start` to the first answer, then CPU and memory of the idle stack. Linux only: read from /proc. */
export async function run(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'inferometer-bench-'));
  const port = await freePort();
  const startedMs = performance.now();
  const npm = spawn('npm', ['start', '--silent'], {
    env: { ...process.env, PORT: port, AGGREGATOR_PORT: '0', GPU_PROBE_PORT: '0', MODEL_SERVER_PORT: '0', EVENT_LOG_URL: `file:${folder}` },
    stdio: 'ignore',
    detached: true,
  });
  try {
    await firstAnswer(port);
    const coldSeconds = (performance.now() - startedMs) / 1000;
    const pid = pidOf(npm.pid!);
    await wait(SETTLE_MS);
    const before = cpuSeconds(pid);
    await wait(IDLE_MS);
    const idlePercent = ((cpuSeconds(pid) - before) / (IDLE_MS / 1000)) * 100;
    const rss = residentMegabytes(pid);
    return [
      { name: 'npm start to first answer', value: coldSeconds, unit: 's', bar: '<= 3', met: coldSeconds <= 3 },
      { name: 'idle stack, CPU', value: idlePercent, unit: '% of a core', bar: '<= 2', met: idlePercent <= 2 },
      { name: 'idle stack, resident memory', value: rss, unit: 'MB', bar: '<= 150', met: rss <= 150 },
    ];
  } finally {
    await stop(npm);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Ends npm and what it has started; by force if that takes too long. */
async function stop(npm: ChildProcess): Promise<void> {
  if (npm.exitCode !== null || npm.signalCode !== null) return;
  const exited = once(npm, 'exit');
  process.kill(-npm.pid!, 'SIGTERM');
  if ((await Promise.race([exited, wait(STOP_DEADLINE_MS)])) === undefined) process.kill(-npm.pid!, 'SIGKILL');
  await exited;
}

async function firstAnswer(port: string): Promise<void> {
  const deadline = performance.now() + START_DEADLINE_MS;
  while (performance.now() < deadline) {
    const answer = await request(`http://127.0.0.1:${port}/api/v1/metrics`).catch(() => undefined);
    await answer?.body.dump();
    if (answer?.statusCode === 200) return;
    await wait(20);
  }
  throw new Error('the stack did not answer');
}

/** The Node process under npm: the last of the chain of only children. */
function pidOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? pid : pidOf(Number(children.split(' ')[0]));
}
