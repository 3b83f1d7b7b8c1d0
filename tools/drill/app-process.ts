import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Watchdog } from '../kafka/watchdog.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const START_DEADLINE_MS = 30_000;
const DRAIN_DEADLINE_MS = 15_000;
const KEPT_OUTPUT = 4_000;

/** One app in a process of its own, as it was built last. It ends with this process, however that ends. */
export class AppProcess {
  /** Where it listens. */
  readonly url: string;
  /** Resolves, with what it said last, when it has ended. */
  readonly exited: Promise<string>;
  private readonly child: ChildProcess;
  private readonly watchdog: Watchdog;

  private constructor(url: string, { child, exited }: Spawned, watchdog: Watchdog) {
    this.url = url;
    this.exited = exited;
    this.child = child;
    this.watchdog = watchdog;
  }

  /** Resolves when it has said where it listens. Rejects, with what it said, if it ends or takes too long. */
  static async start(app: string, env: Readonly<Record<string, string>>): Promise<AppProcess> {
    const watchdog = new Watchdog({ signal: 'KILL' });
    const spawned = spawnApp(app, env);
    watchdog.watch(spawned.child.pid ?? 0);
    const force = setTimeout(() => spawned.child.kill('SIGKILL'), START_DEADLINE_MS);
    const url = await Promise.race([spawned.listening, spawned.exited.then(() => undefined)]);
    clearTimeout(force);
    if (url !== undefined) return new AppProcess(url, spawned, watchdog);
    await watchdog.dismiss();
    throw new Error(`${app} did not start:\n${await spawned.exited}`);
  }

  /** Ends it: SIGTERM drains, and after 15 s SIGKILL ends the drain. Resolves when it is gone, at once if it was. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    this.child.kill(signal);
    const force = setTimeout(() => this.child.kill('SIGKILL'), DRAIN_DEADLINE_MS);
    await this.exited;
    clearTimeout(force);
    await this.watchdog.dismiss();
  }
}

interface Spawned {
  readonly child: ChildProcess;
  readonly listening: Promise<string>;
  readonly exited: Promise<string>;
}

function spawnApp(app: string, env: Readonly<Record<string, string>>): Spawned {
  const { PATH, HOME } = process.env;
  // Not by tools/run-app.js: several would build at once.
  const child = spawn(process.execPath, [`dist/apps/${app}/main.js`], {
    cwd: ROOT,
    env: { PATH, HOME, HOST: '127.0.0.1', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    // In a group of its own: Ctrl-C reaches it through us alone.
    detached: true,
  });
  let said = '';
  const listening = new Promise<string>((resolve) => {
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-KEPT_OUTPUT);
      const url = /(?:listening on|at) (http:\/\/[^\s,]+)/.exec(said)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(`exit code ${code ?? signal}\n${said}`));
    child.once('error', (error) => resolve(error.message));
  });
  return { child, listening, exited };
}
