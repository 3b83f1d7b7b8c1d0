import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchRow } from './bench-row.js';
import { stop } from './gateway/children.js';
import { cpuRows } from './gateway/cpu.js';
import { latencyRows } from './gateway/latency.js';
import { memoryRows } from './gateway/memory.js';
import { startBare, startGateway, startModel, startNginx, startPortkey, type Target } from './gateway/proxies.js';

/*
 * The gateway, events on, beside a bare proxy of ten lines (`node:http` and undici's `dispatch`), nginx and Portkey's gateway: a process each, in turn
 * under the same load. The model is a process of its own, and this one is the load: while it measures it does nothing else, so that what it
 * sees of a latency is the proxy's, and a proxy's CPU time is its own. Linux only: it is read from /proc.
 */

/** The gateway against what is set beside it, in some three minutes. GATEWAY_BENCH=cpu measures only its CPU time, against the bare proxy. */
export async function run(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'inferometer-bench-'));
  const started: Target[] = [];
  try {
    return process.env['GATEWAY_BENCH'] === 'cpu' ? await runCpu(folder, started) : await runAll(folder, started);
  } finally {
    await Promise.all(started.map(({ child }) => stop(child)));
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runCpu(folder: string, started: Target[]): Promise<BenchRow[]> {
  const [, ...proxies] = await startOurs(folder, started);
  return cpuRows(proxies);
}

async function runAll(folder: string, started: Target[]): Promise<BenchRow[]> {
  const memory = await memoryOfAFreshOne(folder);
  const [model, ...ours] = await startOurs(folder, started);
  const nginx = await startNginx(model, join(folder, 'nginx'));
  if (nginx) started.push(nginx);
  const portkey = await startPortkey(model);
  if (portkey) started.push(portkey);
  const targets = [model, ...ours, ...(nginx ? [nginx] : []), ...(portkey ? [portkey] : [])];
  const cpu = await cpuRows(targets);
  // By now all of them are warm.
  return [...cpu, ...(await latencyRows(targets)), ...memory];
}

/** The model, the gateway, the bare proxy. What has been started is in `started` even if the next does not start. */
async function startOurs(folder: string, started: Target[]): Promise<[Target, Target, Target]> {
  const model = await startModel();
  started.push(model);
  const gateway = await startGateway(model, join(folder, 'log'));
  started.push(gateway);
  const bare = await startBare(model);
  started.push(bare);
  return [model, gateway, bare];
}

async function memoryOfAFreshOne(folder: string): Promise<BenchRow[]> {
  const started: Target[] = [];
  try {
    const [, gateway] = await startOurs(join(folder, 'fresh'), started);
    return await memoryRows(gateway);
  } finally {
    await Promise.all(started.map(({ child }) => stop(child)));
  }
}
