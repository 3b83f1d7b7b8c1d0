import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const hooks = fileURLToPath(new URL('../../tools/run-sources.js', import.meta.url));
const fixture = fileURLToPath(new URL('lifecycle.fixture.ts', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  /** What it logged, without the time. */
  readonly log: readonly string[];
}

/** Runs the fixture to its end; each time a line of its output is one of `on`, it gets that signal. */
async function run(mode: string, on: Readonly<Record<string, NodeJS.Signals>> = {}, args: readonly string[] = []): Promise<Ended> {
  const env = { PATH: process.env['PATH'], MODE: mode, NODE_NO_WARNINGS: '1' };
  const child = spawn(process.execPath, ['--experimental-transform-types', '--import', hooks, fixture, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  });
  let out = '';
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    for (const line of text.split('\n')) if (on[line]) child.kill(on[line]);
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const lines = log.trimEnd().split('\n');
  return { code, out, log: lines.map((line) => line.replace(/^\S+Z (\S+) +/, '$1 ')) };
}

describe('runMain', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('drains at %s and exits with 0', async (signal) => {
    const ended = await run('serve', { started: signal });
    expect(ended).toEqual({ code: 0, out: 'started\ndraining\ndrained\n', log: [`INFO fixture ${signal}: draining; once more to force`] });
  });

  it('drains at a signal that comes while it starts, once it has started', async () => {
    const { code, out } = await run('slow-start', { starting: 'SIGTERM' });
    expect({ code, out }).toEqual({ code: 0, out: 'starting\nstarted\ndraining\ndrained\n' });
  });

  it('is forced by a second signal, with exit code 1', async () => {
    const ended = await run('hang', { started: 'SIGTERM', draining: 'SIGINT' });
    expect(ended).toMatchObject({ code: 1, out: 'started\ndraining\n' });
  });

  it('refuses an argument that it does not know, and starts nothing', async () => {
    const ended = await run('serve', {}, ['--demoo']);
    expect(ended).toEqual({ code: 2, out: '', log: ['fixture: unknown argument --demoo; allowed: --help'] });
  });

  it('drains and exits with 1 where the app dies by itself', async () => {
    const { code, out, log } = await run('die');
    expect({ code, out }).toEqual({ code: 1, out: 'started\ndraining\ndrained\n' });
    expect(log[0]).toBe('ERROR fixture Error: the log is gone');
  });

  it('drains and exits with 2, and one line, where it dies of something that the operator can mend', async () => {
    const { code, out, log } = await run('die-mendable');
    expect({ code, out, log }).toEqual({ code: 2, out: 'started\ndraining\ndrained\n', log: ['ERROR fixture the password is wrong'] });
  });

  it('exits with 1 where the drain fails', async () => {
    const { code, log } = await run('bad-drain', { started: 'SIGTERM' });
    expect(code).toBe(1);
    expect(log).toContain('fixture: Error: cannot flush');
  });

  it('exits with 1, and a stack, where the start fails', async () => {
    const { code, log } = await run('bug');
    expect(code).toBe(1);
    expect(log[0]).toBe('fixture: TypeError: a bug');
    expect(log[1]).toContain('lifecycle.fixture.ts');
  });

  it('exits with 2, and one line, where the operator can mend the start', async () => {
    expect(await run('mendable')).toEqual({ code: 2, out: '', log: ['fixture: port 80 is in use'] });
  });

  it('exits with 2, and all mistakes, where settings are wrong', async () => {
    const log = [
      'fixture: MODE: "x" is not one of serve, slow-start, hang, die, die-mendable, bad-drain, bug, mendable',
      'fixture: UPSTREAM_URL: is required',
    ];
    expect(await run('x')).toEqual({ code: 2, out: '', log: [log[0], expect.stringContaining(log[1]!)] });
  });

  it('shows its settings with --help, though some are missing, and starts nothing', async () => {
    const { code, out, log } = await run('x', {}, ['--help']);
    expect({ code, log }).toEqual({ code: 0, log: [''] });
    expect(out).toMatch(
      /^fixture: a process for tests\n\nSettings \(environment variables\) \[default\]:\n {2}MODE +what it does .*\n {2}UPSTREAM_URL /,
    );
  });
});
