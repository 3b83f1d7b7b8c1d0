import { request } from 'undici';
import type { MetricsDocument } from '#libs/contracts';
import { spawnApp } from '../../support/stack.js';

const START_DEADLINE_MS = 30_000;
const ANSWER_DEADLINE_MS = 5_000;

/** One of our apps in a process of its own. */
export class AppProcess {
  readonly url: string;
  private readonly spawned: ReturnType<typeof spawnApp>;

  private constructor(url: string, spawned: ReturnType<typeof spawnApp>) {
    this.url = url;
    this.spawned = spawned;
  }

  /** Resolves when it listens. If it does not, it is killed, and what it printed is thrown. `onSpawn` hears of the process at once. */
  static async start(app: string, env: Readonly<Record<string, string>>, onSpawn: (kill: () => void) => void): Promise<AppProcess> {
    const spawned = spawnApp(app, { PORT: '0', ...env });
    const { child, output, exited } = spawned;
    onSpawn(() => void child.kill('SIGKILL'));
    const url = await new Promise<string>((resolve, reject) => {
      const deadline = setTimeout(() => {
        child.kill('SIGKILL');
        reject(new Error(`${app} did not start:\n${output()}`));
      }, START_DEADLINE_MS);
      const look = (): void => {
        const found = /(?:listening on|model server at) (http:[^\s",]+)/.exec(output())?.[1];
        if (found === undefined) return;
        clearTimeout(deadline);
        resolve(found);
      };
      child.stdout?.on('data', look);
      child.stderr?.on('data', look);
      void exited.then((code) => reject(new Error(`${app} ended with ${code}:\n${output()}`)));
    });
    return new AppProcess(url, spawned);
  }

  get pid(): number {
    return this.spawned.child.pid!;
  }

  /** Everything that it printed. */
  get output(): string {
    return this.spawned.output();
  }

  /** Sends the signal; SIGKILL and SIGTERM resolve when it has ended, with its exit code. */
  async signal(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<number | null | undefined> {
    this.spawned.child.kill(signal);
    return signal === 'SIGKILL' || signal === 'SIGTERM' ? this.spawned.exited : undefined;
  }

  /** The status and the body of `path`. Rejects if it does not answer in time. */
  async get(
    path: string,
    asked: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly status: number; readonly headers: Readonly<Record<string, unknown>>; readonly body: string }> {
    const options = { headers: asked, signal: AbortSignal.timeout(ANSWER_DEADLINE_MS) };
    const { statusCode, headers, body } = await request(`${this.url}${path}`, options);
    return { status: statusCode, headers, body: await body.text() };
  }

  /** The aggregator's answer. Rejects unless that is a 200. */
  async metrics(query: Readonly<Record<string, string>> = {}): Promise<MetricsDocument> {
    const { status, body } = await this.get(`/api/v1/metrics?${new URLSearchParams({ window: 'all', ...query })}`);
    if (status !== 200) throw new Error(`${status}: ${body}`);
    return JSON.parse(body) as MetricsDocument;
  }
}
