import { createServer, type Server, type ServerResponse } from 'node:http';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { request } from 'undici';
import { freePort } from '../../tools/kafka/broker.js';
import { AppProcess } from '../faults/harness/processes.js';
import { Prometheus } from '../support/prometheus.js';
import { ROOT } from '../support/shared.js';
import { startStackProcess, temporaryFolder, type StackProcess } from '../support/stack.js';
import { LiveLoad, MODEL_NAMES, MODELS } from './live-load.js';

/** Jobs of the run beside those of the shipped configuration. */
export const JOBS = {
  /** The fleet as the shipped configuration scrapes it; this aggregator lives through the run. */
  fleet: 'inferometer-fleet',
  /** The fleet by a second aggregator, which is killed and started again under load. */
  restarted: 'restarted-aggregator',
  /** The fleet by the gateway's door, to a scraper that knows the format 0.0.4 only. */
  text: 'text-format',
} as const;

/** A finished run: what the clients saw, and a Prometheus that scraped it. */
export interface LiveRun {
  readonly prometheus: Prometheus;
  readonly load: LiveLoad;
  /** A time under load, after everything was scraped: for queries over the last seconds. */
  readonly underLoadMs: number;
  /** A time when every request was counted. */
  readonly settledMs: number;
  close(): Promise<void>;
}

const STACK_SETTINGS = {
  MODEL_NAMES: MODEL_NAMES.join(','),
  TTFT_MS: '40',
  TOKENS_PER_SECOND: '300',
  TENANT_HEADER: 'x-tenant',
  // So few that some requests wait, and none is refused.
  MAX_CONCURRENT_REQUESTS: '4',
  MAX_QUEUE_SIZE: '500',
};
/** What a Prometheus in Kubernetes adds to every series: some published queries ask for it. */
const CLUSTER_LABELS = { namespace: 'models', pod: 'aggregator-1' };
const REQUESTS_PER_SECOND = 14;
const SECOND_AGGREGATOR_AWAY_MS = 3_000;
/** The shortest window of the published queries, which is to be full of load. */
const SHORTEST_WINDOW_MS = 15_000;
const SETTLED_WITHIN_MS = 30_000;

/**
 * Runs it all, in about half a minute: a stack, a second aggregator on its log that is killed and started again under load, and a
 * Prometheus with the shipped configuration. `ruleFiles`: loaded beside the shipped rules. If something fails, all is ended before it rejects.
 */
export async function liveRun(ruleFiles: readonly string[]): Promise<LiveRun> {
  const site = new LiveSite();
  try {
    const prometheus = await site.start(ruleFiles);
    const load = site.load();
    load.start(REQUESTS_PER_SECOND);
    await prometheus.waitForQuery(`vllm_total_requests{job="${JOBS.restarted}"}`, ({ value }) => value > 0);
    await site.killSecond();
    await wait(SECOND_AGGREGATOR_AWAY_MS);
    await site.startSecond();
    const backAtMs = Date.now();
    await prometheus.waitForQuery(`up{job="${JOBS.restarted}"}`, ({ value }) => value === 1, SETTLED_WITHIN_MS);
    await wait(Math.max(0, backAtMs + SHORTEST_WINDOW_MS - Date.now()));
    const underLoadMs = Date.now();
    await load.stop();
    const settled = `count(sum by (job) (vllm_total_requests) == ${load.calls.length} and sum by (job) (vllm_num_running_requests) == 0)`;
    await prometheus.waitForQuery(settled, ({ value }) => value === Object.keys(JOBS).length, SETTLED_WITHIN_MS);
    return { prometheus, load, underLoadMs, settledMs: Date.now(), close: () => site.close() };
  } catch (error) {
    await site.close();
    throw error;
  }
}

/** The processes of a run. */
class LiveSite {
  private readonly folder = temporaryFolder();
  private readonly ends: (() => Promise<unknown>)[] = [];
  private secondPort = 0;
  private second: AppProcess | undefined;
  private stack: StackProcess | undefined;

  /** Starts everything but the load. Resolves when Prometheus has scraped each target once. */
  async start(ruleFiles: readonly string[]): Promise<Prometheus> {
    const [aggregatorPort, probePort] = [await freePort(), await freePort()];
    this.secondPort = await freePort();
    const stack = await startStackProcess(this.folder, {
      AGGREGATOR_PORT: String(aggregatorPort),
      GPU_PROBE_PORT: String(probePort),
      ...STACK_SETTINGS,
    });
    this.stack = stack;
    this.ends.push(() => stack.stop());
    await request(`${stack.upstreamUrl}/faults`, { method: 'PUT', body: JSON.stringify({ fault: '500', model: MODELS.failing }) });
    await this.startSecond();
    this.ends.push(async () => this.second?.signal('SIGTERM'));
    const text = await textOnly(`${stack.gatewayUrl}/metrics/prometheus`);
    this.ends.push(async () => text.close());
    const own = { gateway: new URL(stack.gatewayUrl).host, aggregator: `127.0.0.1:${aggregatorPort}`, probe: `127.0.0.1:${probePort}` };
    const more = {
      [JOBS.restarted]: `127.0.0.1:${this.secondPort}`,
      [JOBS.text]: `127.0.0.1:${(text.address() as AddressInfo).port}`,
    };
    const prometheus = await Prometheus.start({ config: configured(own, more, ruleFiles) });
    this.ends.push(() => prometheus.close());
    await prometheus.waitForTargets(SETTLED_WITHIN_MS);
    return prometheus;
  }

  /** A load on the gateway, which ends with the rest. */
  load(): LiveLoad {
    const load = new LiveLoad(this.stack!.gatewayUrl);
    this.ends.push(() => load.stop());
    return load;
  }

  async startSecond(): Promise<void> {
    this.second = await AppProcess.start('aggregator', { EVENT_LOG_URL: `file:${this.folder}`, PORT: String(this.secondPort) }, () => {});
  }

  async killSecond(): Promise<void> {
    await this.second?.signal('SIGKILL');
  }

  /** Ends what was started, the last first. */
  async close(): Promise<void> {
    for (let end = this.ends.pop(); end; end = this.ends.pop()) await end();
  }
}

interface Addresses {
  readonly gateway: string;
  readonly aggregator: string;
  readonly probe: string;
}

/** The shipped configuration for other addresses and once a second, and more jobs that scrape the fleet. */
function configured(
  { gateway, aggregator, probe }: Addresses,
  more: Readonly<Record<string, string>>,
  ruleFiles: readonly string[],
): string {
  const shipped = readFileSync(`${ROOT}deploy/prometheus/prometheus.yml`, 'utf8')
    .replaceAll('127.0.0.1:8000', gateway)
    .replaceAll('127.0.0.1:9100', aggregator)
    .replaceAll('127.0.0.1:9101', probe)
    .replaceAll(/(scrape_interval|scrape_timeout|evaluation_interval): \d+s/g, '$1: 1s')
    .replaceAll('- rules/', `- ${ROOT}deploy/prometheus/rules/`)
    .replace('rule_files:', ['rule_files:', ...ruleFiles.map((file) => `  - ${JSON.stringify(file)}`)].join('\n'));
  const jobs = Object.entries(more).map(([job, host]) => ({
    job_name: job,
    metrics_path: '/metrics/prometheus',
    static_configs: [{ targets: [host], ...(job === JOBS.restarted && { labels: CLUSTER_LABELS }) }],
  }));
  return shipped.replace('scrape_configs:', ['scrape_configs:', ...jobs.map((job) => `  - ${JSON.stringify(job)}`)].join('\n'));
}

/** Passes a page on as a scraper sees it that asks for the text format 0.0.4. */
async function textOnly(url: string): Promise<Server> {
  const passOn = async (answer: ServerResponse): Promise<void> => {
    const { statusCode, headers, body } = await request(url, { headers: { accept: 'text/plain;version=0.0.4' } });
    answer.writeHead(statusCode, { 'content-type': String(headers['content-type']) });
    answer.end(await body.text());
  };
  const server = createServer((_call, answer) => void passOn(answer).catch(() => answer.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
