import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fakeDocument } from './core/document.fixture.js';
import { FakeTerminal } from './core/terminal.fixture.js';
import { widthOf } from './core/width.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const main = `${root}dist/apps/dashboard/main.js`;
const text = JSON.stringify(fakeDocument());
const ESCAPE = '\u001b';

/** Obeyed without effect: marks the place in the output where all that a change of size brings about is written. */
const RESIZED = String.raw`\u001b[?2004l`;

/** Makes a process believe that it sits at a terminal of 80x24, which SIGWINCH makes one of 60x20; SIGURG makes it crash. */
const PRETENDED_TERMINAL = `data:text/javascript,${encodeURIComponent(`
  process.stdin.isTTY = process.stdout.isTTY = true;
  Object.assign(process.stdout, { columns: 80, rows: 24 });
  process.stdin.setRawMode = (raw) => process.stderr.write('raw mode ' + raw + ';');
  process.on('SIGWINCH', () => {
    Object.assign(process.stdout, { columns: 60, rows: 20 }).emit('resize');
    process.stdout.write('${RESIZED}');
  });
  process.on('SIGURG', () => { throw new Error('a crash on demand'); });
`)}`;

/** A running dashboard. */
class Program {
  output = '';
  errors = '';
  readonly ended: Promise<number | null>;

  constructor(private readonly child: ChildProcessByStdio<Writable, Readable, Readable>) {
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (this.output += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (this.errors += chunk));
    this.ended = new Promise((resolve) => {
      child.once('close', resolve);
    });
  }

  async until(condition: (program: this) => boolean): Promise<void> {
    for (const deadline = Date.now() + 20_000; !condition(this); await sleep(10)) {
      if (Date.now() > deadline)
        throw new Error(`waited in vain; output ends with ${JSON.stringify(this.output.slice(-2000))} ${this.errors}`);
    }
  }

  /** The screen after all output so far. */
  screen(columns = 80, rows = 24): FakeTerminal {
    const terminal = new FakeTerminal(columns, rows);
    terminal.write(this.output);
    return terminal;
  }

  shows(words: string): boolean {
    return this.screen().lines().join('\n').includes(words);
  }

  type(keys: string): void {
    this.child.stdin.write(keys);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Closes the pipe that it writes to. */
  hangUp(): void {
    this.child.stdout.destroy();
  }

  stop(): void {
    this.child.kill('SIGKILL');
  }
}

const programs: Program[] = [];
const servers: Server[] = [];

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}, nodeArgs: readonly string[] = []): Program {
  const child = spawn(process.execPath, [...nodeArgs, main, ...args], { env, stdio: 'pipe' });
  const program = new Program(child);
  programs.push(program);
  return program;
}

const startOnTerminal = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => start(args, env, ['--import', PRETENDED_TERMINAL]);

async function listen(listener: RequestListener, port = 0): Promise<{ url: string; port: number; server: Server }> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  const address = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${address.port}`, port: address.port, server };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

const serving: RequestListener = (_request, response) => void response.end(text);

beforeAll(() => {
  spawnSync(process.execPath, ['tools/build-if-stale.js'], { cwd: root, stdio: 'inherit' });
}, 120_000);

afterEach(async () => {
  for (const program of programs.splice(0)) program.stop();
  await Promise.all(servers.splice(0).map(close));
});

describe('dashboard --once', () => {
  it('prints one plain frame', async () => {
    const { url } = await listen(serving);
    const program = start(['--once', '--url', url]);
    expect(await program.ended).toBe(0);
    expect(program.output).toContain('║     Concurrency: [██████░░░░░░░░░░░░░░] 1/3                    ║');
    expect(program.output).not.toContain(ESCAPE);
    expect(new Set(program.output.trimEnd().split('\n').map(widthOf))).toEqual(new Set([66]));
    expect(program.errors).toBe('');
  });

  it('prints it in Chinese', async () => {
    const { url } = await listen(serving);
    const program = start(['--once', '--url', url], { LOCALE: 'zh' });
    expect(await program.ended).toBe(0);
    expect(program.output).toContain('║     等待中: 0          运行中: 1          总请求: 15           ║');
  });

  it('prints the document as it came with --json', async () => {
    const document = text.replace('"service"', '"later": 1.50, "note": "a\u009bb", "service"');
    const { url } = await listen((_request, response) => response.end(document));
    const program = start(['--once', '--json', '--url', url]);
    expect(await program.ended).toBe(0);
    expect(program.output).toBe(`${document.replace('\u009b', String.raw`\u009b`)}\n`);
    expect(JSON.parse(program.output)).toEqual(JSON.parse(document));
  });

  it('sends the token and the window', async () => {
    const asked: unknown[] = [];
    const { url } = await listen((request, response) => {
      asked.push([request.url, request.headers.authorization]);
      response.end(text);
    });
    await start(['--once', '--url', url, '--window', '1h'], { API_TOKEN: 'secret' }).ended;
    expect(asked).toEqual([['/api/v1/metrics?window=1h', 'Bearer secret']]);
  });

  it.each([
    [401, '', '401: set API_TOKEN'],
    [404, '', '404: no metrics API at this address'],
    [200, '<html>', 'the answer is not a JSON object'],
    [200, '{}', 'not a metrics document: timestamp is missing or wrong'],
  ])('says what is wrong with a %i %j', async (status, body, expected) => {
    const { url } = await listen((_request, response) => response.writeHead(status).end(body));
    const program = start(['--once', '--url', url]);
    expect(await program.ended).toBe(1);
    expect(program.output).toBe('');
    expect(program.errors).toBe(`dashboard: ${url}: ${expected}\n`);
  });

  it.each([['--once'], ['--once', '--json']])('ends with 1 and one line where no server is (%s %s)', async (...args) => {
    const { url, server } = await listen(serving);
    await close(server);
    const program = start([...args, '--url', url]);
    expect(await program.ended).toBe(1);
    expect(program.output).toBe('');
    expect(program.errors).toBe(`dashboard: ${url}: connection refused\n`);
  });

  it('has colours on a pipe only when they are forced', async () => {
    const { url } = await listen(serving);
    const program = start(['--once', '--url', url], { FORCE_COLOR: '1' });
    expect(await program.ended).toBe(0);
    expect(program.output).toContain(`${ESCAPE}[0;32mhealthy${ESCAPE}[0m`);
    expect(program.output).not.toMatch(/\[\d*G/);
  });
});

describe('dashboard arguments', () => {
  it.each([
    [['--nonsense'], {}, 'dashboard: unknown argument "--nonsense"; see --help\n'],
    [['--interval', '0'], {}, 'dashboard: --interval must be a number of seconds from 0.1 to 3600, not "0"\n'],
    [['--window', `2m${ESCAPE}[2J`], {}, 'dashboard: --window must be one of 1m, 5m, 15m, 1h, all, not "2m␛[2J"\n'],
    [['--json'], { LOCALE: 'zh' }, 'dashboard: --json 需要 --once\n'],
    [[], { LOCALE: 'fr' }, 'dashboard: LOCALE must be en or zh\n'],
  ])('refuses %j %j with 2', async (args, env, expected) => {
    const program = start(args, env);
    expect(await program.ended).toBe(2);
    expect(program.errors).toBe(expected);
    expect(program.output).toBe('');
  });

  it('explains itself', async () => {
    const program = start(['--help']);
    expect(await program.ended).toBe(0);
    for (const option of ['--url', '--interval', '--window', '--once', '--json', 'API_TOKEN']) expect(program.output).toContain(option);
  });
});

describe('dashboard on a pipe', () => {
  it('prints frame after frame, through the loss of its server and its return', async () => {
    const { url, port, server } = await listen(serving);
    const program = start(['--url', url, '--interval', '0.1']);
    await program.until(({ output }) => output.split('Status: healthy').length > 2);
    await close(server);
    await program.until(({ output }) => /Last seen \d+ s ago: connection (refused|cut)/.test(output));
    const lostAt = program.output.length;
    await listen(serving, port);
    await program.until(({ output }) => output.slice(lostAt).includes('Status: healthy'));
    program.signal('SIGTERM');
    expect(await program.ended).toBe(0);
    expect(program.output).not.toContain(ESCAPE);
    expect(program.errors).toBe('');
  });

  it('ends quietly when nobody reads on', async () => {
    const { url } = await listen(serving);
    const program = start(['--url', url, '--interval', '0.1']);
    await program.until(({ output }) => output.includes('Status'));
    program.hangUp();
    expect(await program.ended).toBe(0);
    expect(program.errors).toBe('');
  });
});

describe('dashboard on a terminal', () => {
  it('holds the alternate screen until q is pressed', async () => {
    const { url } = await listen(serving);
    const program = startOnTerminal(['--url', url]);
    await program.until((one) => one.shows('Status: healthy'));
    const screen = program.screen();
    expect(screen.modes).toEqual(new Set(['1049']));
    expect(screen.line(0)).toBe(`╔${'═'.repeat(78)}╗`);
    expect(screen.line(5)).toContain('[██████░░░░░░░░░░░░░░] 1/3');
    program.type('q');
    expect(await program.ended).toBe(0);
    expect(program.screen().modes).toEqual(new Set(['25', '7']));
    expect(program.errors).toBe('raw mode true;raw mode false;');
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('gives the terminal back on %s', async (signal) => {
    const { url } = await listen(serving);
    const program = startOnTerminal(['--url', url]);
    await program.until((one) => one.shows('Status: healthy'));
    program.signal(signal);
    expect(await program.ended).toBe(0);
    expect(program.screen().modes).toEqual(new Set(['25', '7']));
  });

  it('gives the terminal back before it tells of a crash', async () => {
    const { url } = await listen(serving);
    const program = startOnTerminal(['--url', url]);
    await program.until((one) => one.shows('Status: healthy'));
    program.signal('SIGURG');
    expect(await program.ended).toBe(1);
    expect(program.screen().modes).toEqual(new Set(['25', '7']));
    expect(program.errors).toMatch(/raw mode false;[^]*a crash on demand/);
  });

  it('waits for its server, greys what it knows when that is lost, and comes back by itself', async () => {
    const { url, port, server } = await listen(serving);
    await close(server);
    const program = startOnTerminal(['--url', url, '--interval', '0.1']);
    await program.until((one) => one.shows('connection refused'));
    expect(program.screen().line(3)).toContain('Waiting for the first data …');
    const again = await listen(serving, port);
    await program.until((one) => one.shows('Status: healthy'));
    expect(program.screen().at(4, 6)).toMatchObject({ text: 'W', sgr: '0' });
    await close(again.server);
    await program.until((one) => one.shows('Last seen 1 s ago: connection refused'));
    expect(program.screen().at(4, 6)).toMatchObject({ text: 'W', sgr: '0;90' });
    await listen(serving, port);
    await program.until((one) => one.shows('Status: healthy'));
    expect(program.screen().at(4, 6)).toMatchObject({ text: 'W', sgr: '0' });
  });

  it('draws anew, at once, when the terminal changes its size', async () => {
    const { url } = await listen(serving);
    const program = startOnTerminal(['--url', url]);
    await program.until((one) => one.shows('Status: healthy'));
    program.signal('SIGWINCH');
    await program.until(({ output }) => output.includes(`${ESCAPE}[?2004l`));
    const terminal = new FakeTerminal(80, 24);
    terminal.write(program.output.slice(0, program.output.indexOf(`${ESCAPE}[?2004l`)));
    expect(terminal.line(0)).toBe(`╔${'═'.repeat(58)}╗`);
    expect(terminal.line(19)).toBe(`╚${'═'.repeat(58)}╝`);
    expect(terminal.line(20)).toBe('');
  });

  it('counts the age of its data on while the server is silent', async () => {
    let asked = 0;
    const { url } = await listen((_request, response) => {
      asked += 1;
      if (asked === 1) response.end(text);
    });
    const program = startOnTerminal(['--url', url, '--interval', '0.1']);
    await program.until((one) => one.shows('data 2 s old'));
    expect(asked).toBe(2);
  });

  it('writes next to nothing when next to nothing changes', async () => {
    let answers = 0;
    const { url } = await listen((_request, response) => {
      answers += 1;
      response.end(text.replace('"total":15', `"total":${15 + (answers % 2)}`));
    });
    const program = startOnTerminal(['--url', url, '--interval', '0.1']);
    await program.until((one) => one.shows('Total: 15'));
    const before = program.output.length;
    const answered = answers;
    await program.until(() => answers >= answered + 10);
    expect((program.output.length - before) / 10).toBeLessThan(40);
  });

  it('has no colours with NO_COLOR, and keeps to text where the terminal knows no moves', async () => {
    const { url } = await listen(serving);
    const plain = startOnTerminal(['--url', url], { NO_COLOR: '1' });
    await plain.until((one) => one.shows('Status: healthy'));
    expect(plain.output.replace(`${ESCAPE}[0m`, '')).not.toMatch(/\[[\d;]*m/);
    const dumb = startOnTerminal(['--url', url, '--interval', '0.1'], { TERM: 'dumb' });
    await dumb.until(({ output }) => output.split('Status: healthy').length > 2);
    expect(dumb.output).not.toContain(ESCAPE);
  });
});
