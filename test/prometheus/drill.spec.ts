import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DRILLS } from '../../tools/drill/drills.js';
import { hasPrometheus } from '../support/prometheus.js';
import { ROOT } from '../support/shared.js';

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command as `npm run drill` does; ends it with the test. */
async function drill(args: readonly string[], onOutput: (text: string, pid: number) => void = () => {}): Promise<Run> {
  const child = spawn(process.execPath, ['--import', './tools/run-sources.js', 'tools/drill/main.ts', ...args], { cwd: ROOT });
  onTestFinished(() => void child.kill('SIGKILL'));
  const run = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => onOutput((run.stdout += chunk.toString()), child.pid!));
  child.stderr.on('data', (chunk: Buffer) => (run.stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { code, ...run };
}

/** The processes that have `pid` for a parent. */
function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((id) => parentOf(id) === pid);
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return undefined;
  }
}

describe('npm run drill', () => {
  it.skipIf(!hasPrometheus())(
    'makes every alert fire and clear, built in and shipped, and leaves no process behind',
    async () => {
      const children = new Set<number>();
      const { code, stdout, stderr } = await drill(['all', '--scale', '100', '--timeout', '100'], (_, pid) => {
        for (const child of childrenOf(pid)) children.add(child);
      });
      expect(stderr).toBe('');
      for (const [name, { builtIn, shipped }] of Object.entries(DRILLS)) {
        const lines = stdout.split('\n').map((line) => line.replace(/^ *[\d.]+ s {2}/, ''));
        for (const alert of [`built-in ${builtIn}`, `vllm_alerts{name="${builtIn}"}`, ...shipped]) {
          const fires = lines.indexOf(`${name}: ${alert} fires`);
          expect(fires, `${alert}\n${stdout}`).toBeGreaterThan(0);
          expect(lines.indexOf(`${name}: ${alert} is clear`), `${alert}\n${stdout}`).toBeGreaterThan(fires);
        }
        expect(stdout).toContain(`${name}: PASSED`);
      }
      expect(code).toBe(0);
      expect(children.size).toBeGreaterThan(5);
      expect([...children].filter((pid) => parentOf(pid) !== undefined)).toEqual([]);
    },
    240_000,
  );

  it('fails when an alert does not fire in time', async () => {
    const { code, stdout } = await drill(['blind', '--timeout', '8']);
    expect(stdout).toMatch(/blind: FAILED after \d+\.\d s: not (firing|clear) in time: /);
    expect(code).toBe(1);
  }, 60_000);

  it('says what is wrong with its arguments, exit code 2', async () => {
    const { code, stdout, stderr } = await drill(['fire']);
    expect([code, stdout, stderr]).toEqual([
      2,
      '',
      'there is no drill "fire": queue, ttft, errors, gpu, blind or all\nTry npm run drill -- --help\n',
    ]);
  });

  it('says what is wrong with a system that is not one, exit code 1', async () => {
    const server = createServer((_call, answer) => answer.end('{}')).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const [wrong, gone] = await Promise.all([
      drill(['queue', '--url', url, '--model-server', url]),
      drill(['queue', '--url', 'http://127.0.0.1:9']),
    ]);
    expect([wrong.code, wrong.stderr]).toEqual([1, `drill: ${url} is not a simulated model server\n`]);
    expect(gone.code).toBe(1);
    expect(gone.stderr).toMatch(/^drill: http:\/\/127\.0\.0\.1:9\/api\/v1\/alerts does not answer: .+\n$/);
  });
});
