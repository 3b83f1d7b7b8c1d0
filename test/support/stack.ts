import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll } from 'vitest';
import type { MetricsDocument } from '#libs/contracts';
import { ROOT } from './shared.js';

/** A whole stack in a process of its own, as `npm start` runs it. */
export interface StackProcess {
  readonly gatewayUrl: string;
  readonly upstreamUrl: string;
  readonly pid: number;
  readonly output: () => string;
  metrics(query?: string): Promise<MetricsDocument>;
  /** Sends the signal and resolves with the exit code (null if the signal ended it). */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

const START_DEADLINE_MS = 20_000;
const ANY_PORTS = { PORT: '0', AGGREGATOR_PORT: '0', GPU_PROBE_PORT: '0', MODEL_SERVER_PORT: '0' };

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

/** A new empty folder for an event log, until the last test of the file is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'inferometer-'));
  folders.push(folder);
  return folder;
}

/** Starts a stack on free ports and resolves when it has printed its addresses. If it does not, it is killed, and what it printed is thrown. */
export async function startStackProcess(folder: string, env: Readonly<Record<string, string>> = {}): Promise<StackProcess> {
  const { child, output, exited } = spawnApp('stack', {
    EVENT_LOG_URL: `file:${folder}`,
    SPOOL_DIR: join(folder, 'spool'),
    ...ANY_PORTS,
    ...env,
  });
  const addresses = await new Promise<RegExpExecArray>((resolve, reject) => {
    const deadline = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the stack did not start:\n${output()}`));
    }, START_DEADLINE_MS);
    const look = (): void => {
      const found = /Gateway +(\S+)\/v1[\s\S]*Model server +(?:simulated at )?(\S+) /.exec(output());
      if (!found) return;
      clearTimeout(deadline);
      resolve(found);
    };
    child.stdout?.on('data', look);
    void exited.then((code) => reject(new Error(`the stack ended with ${code}:\n${output()}`)));
  });
  const [, gatewayUrl = '', upstreamUrl = ''] = addresses;
  return {
    gatewayUrl,
    upstreamUrl,
    pid: child.pid!,
    output,
    metrics: async (query = '') => {
      const { body } = await request(`${gatewayUrl}/api/v1/metrics${query}`);
      return (await body.json()) as MetricsDocument;
    },
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return exited;
    },
  };
}

/** Runs one app as its npm script does, and collects everything that it prints. */
export function spawnApp(app: string, env: Readonly<Record<string, string>>, args: readonly string[] = []) {
  const child: ChildProcess = spawn(process.execPath, ['tools/run-app.js', app, ...args], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  return { child, exited, output: () => printed };
}
