import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ScrapeTarget } from '../../test/support/prometheus.js';
import { Watchdog } from '../kafka/watchdog.js';
import { AppProcess } from './app-process.js';
import type { OwnSystem } from './system.js';

const TTFT_MS = 50;
const MEMORY_PERCENT = 60;
type Part = 'aggregator' | 'model-server' | 'gateway' | 'gpu-probe';

/** Every app in a process of its own, on free ports and an event log in a folder that goes with them. */
export class OwnProcesses implements OwnSystem {
  readonly token = undefined;
  readonly ttftMs = TTFT_MS;
  readonly broken: Promise<never>;
  private readonly folder = mkdtempSync(join(tmpdir(), 'inferometer-drill-'));
  /** Takes the folder away, also if this process is killed. */
  private readonly remover = new Watchdog({ signal: 'KILL', removes: this.folder });
  private readonly parts = new Map<Part, AppProcess>();
  private gatewayPort = '0';
  private probePort = '0';
  private fail: (error: Error) => void = () => {};

  private constructor() {
    this.broken = new Promise((_, reject) => (this.fail = reject));
    // Whoever looks at it is told; nobody has to.
    this.broken.catch(() => undefined);
  }

  /** Resolves when all of it answers. Rejects, with nothing left, if a part does not start. */
  static async start(): Promise<OwnProcesses> {
    const system = new OwnProcesses();
    try {
      await system.startParts();
      return system;
    } catch (error) {
      await system.close();
      throw error;
    }
  }

  get gatewayUrl(): string {
    return this.part('gateway').url;
  }

  get apiUrl(): string {
    return this.part('aggregator').url;
  }

  get modelServerUrl(): string {
    return this.part('model-server').url;
  }

  get targets(): readonly ScrapeTarget[] {
    const parts = ['gateway', 'aggregator', 'gpu-probe'] as const;
    const own = parts.map((part) => ({ job: `inferometer-${part}`, url: `${this.part(part).url}/metrics` }));
    return [{ job: 'inferometer-fleet', url: `${this.apiUrl}/metrics/prometheus`, labels: { instance: 'fleet' } }, ...own];
  }

  async restartProbe(memoryPercent: number): Promise<void> {
    await this.end('gpu-probe');
    await this.startProbe(memoryPercent);
  }

  async killGateway(): Promise<void> {
    await this.end('gateway', 'SIGKILL');
  }

  async startGateway(): Promise<void> {
    await this.begin('gateway', {
      PORT: this.gatewayPort,
      GATEWAY_ID: 'drill',
      UPSTREAM_URL: this.modelServerUrl,
      MAX_CONCURRENT_REQUESTS: '8',
      MAX_QUEUE_SIZE: '16',
      DRAIN_TIMEOUT_MS: '2000',
      SPOOL_DIR: join(this.folder, 'spool'),
    });
    this.gatewayPort = new URL(this.gatewayUrl).port;
  }

  async close(): Promise<void> {
    // The aggregator last, so that it still folds what the others say at the end.
    await Promise.all([...this.parts.keys()].filter((part) => part !== 'aggregator').map((part) => this.end(part)));
    await this.end('aggregator');
    await this.remover.dismiss();
  }

  private async startParts(): Promise<void> {
    await this.begin('model-server', { TTFT_MS: String(TTFT_MS), JITTER: '0' });
    const others = [this.startGateway(), this.startProbe(MEMORY_PERCENT), this.begin('aggregator', { SNAPSHOT_INTERVAL_MS: '200' })];
    // All of them, also if one fails: what starts late must be known to be ended.
    const failure = (await Promise.allSettled(others)).find((result) => result.status === 'rejected');
    if (failure) throw failure.reason;
  }

  private async startProbe(memoryPercent: number): Promise<void> {
    const env = { GPU_SOURCE: 'simulated', GPU_INTERVAL_MS: '500', GPU_SIMULATED_MEMORY: String(memoryPercent), PROBE_ID: 'drill' };
    await this.begin('gpu-probe', { PORT: this.probePort, ...env });
    this.probePort = new URL(this.part('gpu-probe').url).port;
  }

  private async begin(part: Part, env: Readonly<Record<string, string>>): Promise<void> {
    const started = await AppProcess.start(part, { EVENT_LOG_URL: `file:${this.folder}`, PORT: '0', ...env });
    this.parts.set(part, started);
    void this.watch(part, started);
  }

  private async watch(part: Part, started: AppProcess): Promise<void> {
    const said = await started.exited;
    if (this.parts.get(part) === started) this.fail(new Error(`the ${part} has ended by itself: ${said}`));
  }

  private async end(part: Part, signal?: 'SIGKILL'): Promise<void> {
    const running = this.parts.get(part);
    this.parts.delete(part);
    await running?.stop(signal);
  }

  private part(part: Part): AppProcess {
    const running = this.parts.get(part);
    if (!running) throw new Error(`the ${part} does not run`);
    return running;
  }
}
