import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { encodeEvent, EventSource, topicsOf } from '#libs/contracts';
import { openEventLog } from '#libs/event-log';
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ROOT } from '../../test/support/shared.js';
import { startStackProcess, temporaryFolder } from '../../test/support/stack.js';
import { eventsOf, onePlanned, START_MS } from '../../test/support/traffic.js';
import { waitFor } from '../../test/support/wait.js';

const IDS = Array.from({ length: 2_000 }, (_unused, index) => `r-${index}`);
const { requests, gpus } = topicsOf();

/** Makes a process believe that it writes to a terminal. */
const PRETENDED_TERMINAL = `data:text/javascript,${encodeURIComponent('process.stdout.isTTY = true;')}`;

type Child = ChildProcessByStdio<null, Readable, Readable>;

const children: Child[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A log of some megabytes: more than any pipe holds. */
const folder = join(temporaryFolder(), 'log');
beforeAll(async () => {
  const log = await openEventLog(`file:${folder}`);
  await log.ensureTopics([requests, gpus]);
  const gateway = new EventSource('/gateways/g', 'boot');
  const events = IDS.flatMap((id) => eventsOf(onePlanned({ id, end: 'completed' }), gateway, 0, START_MS));
  const records = events.map((event) => ({ partition: 0, key: event.subject, value: encodeEvent(event) }));
  await log.append(requests.name, records.slice(0, -1));
  await log.append(requests.name, records.slice(-1));
  await log.close();
});

function spawnIn(log: string, command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], EVENT_LOG_URL: `file:${log}`, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}

const tail = (args: readonly string[], env: Readonly<Record<string, string>> = {}, nodeArgs: readonly string[] = []): Child =>
  spawnIn(folder, process.execPath, [...nodeArgs, 'tools/run-app.js', 'tail', ...args], env);

/** Its exit code and all that it wrote. */
async function finished(child: Child): Promise<{ readonly code: number | null; readonly out: string; readonly said: string }> {
  let [out, said] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, said };
}

/** Resolves when there is something to read. */
const speaks = (child: Child): Promise<void> => new Promise((resolve) => child.stdout.once('readable', resolve));

describe('the process', () => {
  it('writes everything before it ends, however much that is', async () => {
    const { code, out, said } = await finished(tail(['--once', '--json', '--type', 'completed']));
    expect({ code, said }).toEqual({ code: 0, said: '' });
    const lines = out.trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { subject: string }).subject)).toEqual(IDS);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('ends with 0 on %s, even while nobody reads what it writes', async (signal) => {
    const child = tail(['--from', 'beginning', '--json']);
    await speaks(child);
    child.kill(signal);
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(code).toBe(0);
  });

  it('ends with 0 when the reader of its pipe has seen enough', async () => {
    const script = 'set -o pipefail; npm run --silent tail -- --json --from beginning | head -1';
    const { code, out, said } = await finished(spawnIn(folder, 'bash', ['-c', script]));
    expect({ code, said }).toEqual({ code: 0, said: '' });
    expect(JSON.parse(out)).toMatchObject({ subject: 'r-0', specversion: '1.0' });
  });

  it('has colours on a terminal only, and not there with NO_COLOR', async () => {
    const args = ['--once', '--request', 'r-7'];
    const onTerminal = (env: Readonly<Record<string, string>>) => finished(tail(args, env, ['--import', PRETENDED_TERMINAL]));
    expect((await onTerminal({})).out).toContain('\u001b[32mcompleted');
    for (const { out } of [await onTerminal({ NO_COLOR: '1' }), await onTerminal({ TERM: 'dumb' }), await finished(tail(args))]) {
      expect(out).toContain('completed');
      expect(out).not.toContain('\u001b');
    }
  });
});

it('reads the embedded log of a running system, live', { timeout: 60_000 }, async () => {
  const own = temporaryFolder();
  const stack = await startStackProcess(own, { MODEL_NAMES: 'm' });
  onTestFinished(() => void stack.stop('SIGKILL'));
  const child = spawnIn(own, process.execPath, ['tools/run-app.js', 'tail', '--type', 'completed,read']);
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
  await waitFor('the readings of the GPU', async () => out.includes('gpu.read'), 20_000);
  const body = JSON.stringify({ model: 'm', max_tokens: 3, messages: [{ role: 'user', content: 'the prompt' }] });
  const headers = { 'content-type': 'application/json', 'x-request-id': 'mine' };
  const answer = await fetch(`${stack.gatewayUrl}/v1/chat/completions`, { method: 'POST', body, headers });
  expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('choices')]);
  await waitFor('the request', async () => /completed +mine +m /.test(out));
  expect(out).not.toContain('the prompt');
});
