import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Watchdog } from '../../tools/kafka/watchdog.js';
import { waitFor } from './wait.js';

/** Something to scrape. */
export interface ScrapeTarget {
  readonly job: string;
  /** The whole address, with its path: `http://127.0.0.1:9100/metrics/prometheus`. */
  readonly url: string;
  /** Sent as a bearer token. */
  readonly token?: string;
  /** Further labels on all its series. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface PrometheusOptions {
  readonly targets?: readonly ScrapeTarget[];
  /** Absolute paths; loaded as they stand. */
  readonly ruleFiles?: readonly string[];
  /** Seconds between two scrapes, and between two evaluations of rules; 1 if not given. */
  readonly scrapeSeconds?: number;
  readonly evaluationSeconds?: number;
  /** `host:port` of Alertmanagers to notify. */
  readonly alertmanagers?: readonly string[];
  /** The text of a whole configuration: nothing of the above is used then. */
  readonly config?: string;
}

/** A running Prometheus. */
export interface PrometheusProcess {
  readonly url: string;
  /** Ends it (SIGTERM, after 10 s SIGKILL), and removes its data. */
  end(): Promise<void>;
}

interface Spawned {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown>;
  readonly output: () => string;
}

const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 10_000;

/** Resolves when it is ready. Rejects, with what it printed, if it does not start. It ends, and its data goes, with this process. */
export async function startPrometheusProcess(options: PrometheusOptions): Promise<PrometheusProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'inferometer-prometheus-'));
  const watchdog = new Watchdog({ signal: 'KILL', removes: folder });
  writeFileSync(join(folder, 'prometheus.yml'), options.config ?? configOf(options));
  const spawned = spawnPrometheus(folder);
  const end = async (): Promise<void> => {
    spawned.child.kill('SIGTERM');
    const force = setTimeout(() => spawned.child.kill('SIGKILL'), STOP_DEADLINE_MS);
    await spawned.exited;
    clearTimeout(force);
    await watchdog.dismiss();
  };
  if (spawned.child.pid !== undefined) watchdog.watch(spawned.child.pid);
  try {
    return { url: await addressOf(spawned), end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** The configuration as JSON, which is YAML too. */
function configOf({ targets = [], ruleFiles = [], scrapeSeconds = 1, evaluationSeconds = 1, alertmanagers }: PrometheusOptions): string {
  const interval = `${scrapeSeconds}s`;
  return JSON.stringify({
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: `${evaluationSeconds}s` },
    rule_files: ruleFiles,
    ...(alertmanagers && { alerting: { alertmanagers: [{ static_configs: [{ targets: alertmanagers }] }] } }),
    scrape_configs: targets.map(({ job, url, token, labels = {} }) => {
      const { protocol, host, pathname, searchParams } = new URL(url);
      return {
        job_name: job,
        scheme: protocol.slice(0, -1),
        metrics_path: pathname,
        params: Object.fromEntries([...searchParams.keys()].map((key) => [key, searchParams.getAll(key)])),
        ...(token !== undefined && { authorization: { credentials: token } }),
        static_configs: [{ targets: [host], labels }],
      };
    }),
  });
}

function spawnPrometheus(folder: string): Spawned {
  const options = {
    'config.file': join(folder, 'prometheus.yml'),
    'storage.tsdb.path': join(folder, 'data'),
    'web.listen-address': '127.0.0.1:0',
    'enable-feature': 'exemplar-storage',
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  // In a group of its own: Ctrl-C reaches it through us alone.
  const child = spawn('prometheus', args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const exited = new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', (error) => resolve((printed += String(error))));
  });
  return { child, exited, output: () => printed };
}

/** Where it listens, as soon as it is ready. */
async function addressOf({ child, exited, output }: Spawned): Promise<string> {
  let isGone = false;
  void exited.then(() => (isGone = true));
  const probe = async (): Promise<string | false> => {
    const address = /msg="Listening on" address=(\S+)/.exec(output())?.[1];
    return isGone ? 'gone' : output().includes('ready to receive web requests') && address !== undefined && `http://${address}`;
  };
  const url = await waitFor('prometheus to start', probe, START_DEADLINE_MS).catch(() => 'gone');
  if (url === 'gone') throw new Error(`prometheus did not start (exit code ${child.exitCode}):\n${output().slice(-5_000)}`);
  return url;
}
