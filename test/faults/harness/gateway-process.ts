import { join } from 'node:path';
import { temporaryFolder } from '../../support/stack.js';
import { waitFor } from '../../support/wait.js';
import { AppProcess } from './processes.js';

const IDLE_DEADLINE_MS = 30_000;

/** The body of `/stats`. */
export interface Stats {
  readonly requests: {
    readonly received: number;
    readonly waiting: number;
    readonly running: number;
    readonly peak_running: number;
    readonly successful: number;
    readonly failed: Readonly<Record<string, number>>;
    readonly cancelled: Readonly<Record<string, number>>;
  };
}

/** What `/health` says of the way to the log. */
export interface EventLogHealth {
  readonly connected: boolean;
  readonly spooled: number;
  readonly dropped: number;
}

/** A gateway in a process of its own; unless `env` says otherwise, on an embedded log of its own. */
export class GatewayProcess {
  /** The folder of its log. */
  readonly folder: string;
  readonly app: AppProcess;

  private constructor(app: AppProcess, folder: string) {
    this.app = app;
    this.folder = folder;
  }

  /** Resolves when it listens. `onSpawn` hears of the process at once. `folder`: that of a log that others use too. */
  static async start(
    upstreamUrl: string,
    env: Readonly<Record<string, string>>,
    onSpawn: (kill: () => void) => void,
    folder = join(temporaryFolder(), 'log'),
  ): Promise<GatewayProcess> {
    const settings = { UPSTREAM_URL: upstreamUrl, GATEWAY_ID: 'g', EVENT_LOG_URL: `file:${folder}`, ...env };
    return new GatewayProcess(await AppProcess.start('gateway', settings, onSpawn), folder);
  }

  get url(): string {
    return this.app.url;
  }

  async stats(): Promise<Stats> {
    return JSON.parse((await this.app.get('/stats')).body) as Stats;
  }

  async eventLog(): Promise<EventLogHealth> {
    return (await this.health()).event_log;
  }

  /** Until no place is taken and nobody waits. */
  async idle(): Promise<void> {
    const isIdle = async () => {
      const { waiting, running } = (await this.health()).queue;
      if (waiting + running > 0) throw new Error(`${waiting} wait, ${running} run`);
      return true;
    };
    await waitFor('the gateway to be idle', isIdle, IDLE_DEADLINE_MS);
  }

  /** Its resident memory, by its own account. */
  residentBytes(): Promise<number> {
    return this.sum('process_memory_usage_bytes');
  }

  /** Its heap in use, what is garbage already included. */
  heapBytes(): Promise<number> {
    return this.sum('v8js_memory_heap_used_bytes');
  }

  /** A metric of its own page, summed over its labels. */
  async sum(metric: string): Promise<number> {
    const { body } = await this.app.get('/metrics');
    const samples = body.split('\n').filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `));
    return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  private async health(): Promise<{
    readonly queue: { readonly waiting: number; readonly running: number };
    readonly event_log: EventLogHealth;
  }> {
    return JSON.parse((await this.app.get('/health')).body) as Awaited<ReturnType<GatewayProcess['health']>>;
  }
}

/** Bytes as whole MiB, for what a test prints. */
export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}
