import { spawn } from 'node:child_process';
import OpenAI from 'openai';
import { request } from 'undici';
import type { MetricsDocument } from '#libs/contracts';
import { freePort } from '../../tools/kafka/broker.js';
import { ROOT } from '../support/shared.js';
import { waitFor } from '../support/wait.js';

const PORTS = ['GATEWAY_PORT', 'AGGREGATOR_PORT', 'KAFKA_PORT', 'PROMETHEUS_PORT', 'ALERTMANAGER_PORT'] as const;

/** What a command printed and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** docker-compose.yml as it stands, as a project of its own on free ports, beside whatever else runs here. */
export class Compose {
  private constructor(private readonly env: NodeJS.ProcessEnv) {}

  /** Nothing is started yet. */
  static async project(docker: NodeJS.ProcessEnv, settings: NodeJS.ProcessEnv = {}): Promise<Compose> {
    const env: NodeJS.ProcessEnv = {
      ...docker,
      ...settings,
      COMPOSE_PROJECT_NAME: `inferometer-${process.pid}`,
      INFEROMETER_VERSION: 'test',
    };
    for (const name of PORTS) env[name] = String(await freePort());
    return new Compose(env);
  }

  get gatewayUrl(): string {
    return `http://127.0.0.1:${this.env['GATEWAY_PORT']}`;
  }

  get fleetUrl(): string {
    return `http://127.0.0.1:${this.env['AGGREGATOR_PORT']}`;
  }

  get prometheusUrl(): string {
    return `http://127.0.0.1:${this.env['PROMETHEUS_PORT']}`;
  }

  get logUrl(): string {
    return `kafka://127.0.0.1:${this.env['KAFKA_PORT']}`;
  }

  get client(): OpenAI {
    return new OpenAI({ baseURL: `${this.gatewayUrl}/v1`, apiKey: 'sk-test', maxRetries: 0 });
  }

  /** `docker compose ARGS`. Rejects with what it printed unless it ends well. */
  async compose(...args: readonly string[]): Promise<string> {
    const { code, output } = await this.run('docker', ['compose', ...args]);
    if (code !== 0) throw new Error(`docker compose ${args.join(' ')} ended with ${code}:\n${output}`);
    return output;
  }

  /** Any command at the repository's root that is to know of this project. Never rejects. */
  run(command: string, args: readonly string[]): Promise<Ended> {
    const child = spawn(command, args, { cwd: ROOT, env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
    return new Promise((resolve) => {
      child.once('error', (error) => resolve({ code: null, output: String(error) }));
      child.once('close', (code) => resolve({ code, output }));
    });
  }

  /** `docker compose up`, to the point where everything is healthy. */
  async up(...args: readonly string[]): Promise<void> {
    await this.compose('up', '--detach', '--wait', '--wait-timeout', '300', ...args);
  }

  /** Ends it and takes its data away. */
  async remove(): Promise<void> {
    await this.compose('down', '--volumes', '--timeout', '5');
  }

  /** The ids of a service's containers. */
  async containers(service: string): Promise<readonly string[]> {
    return (await this.compose('ps', '--quiet', service)).split('\n').filter((id) => id !== '');
  }

  /** `service: state health`, for each container, in order. */
  async states(): Promise<readonly string[]> {
    const lines = await this.compose('ps', '--all', '--format', '{{.Service}}: {{.State}} {{.Health}}');
    return lines.split('\n').filter((line) => line !== '').toSorted((a, b) => a.localeCompare(b)); // prettier-ignore
  }

  /** `kill -9`, as the machine's kernel does when memory runs out: the engine is not asked, so its restart policy applies. */
  async kill(container: string): Promise<void> {
    const pid = (await this.docker('inspect', '--format', '{{.State.Pid}}', container)).trim();
    const image = 'node:24-bookworm-slim';
    await this.docker('run', '--rm', '--privileged', '--pid=host', '--entrypoint', 'bash', image, '-c', `kill -9 ${pid}`);
    await waitFor('it to have been started again', async () => {
      const [now, health] = (await this.docker('inspect', '--format', '{{.State.Pid}} {{.State.Health.Status}}', container)).trim().split(' ');
      return now !== '0' && now !== pid && health === 'healthy';
    }, 120_000); // prettier-ignore
  }

  async docker(...args: readonly string[]): Promise<string> {
    const { code, output } = await this.run('docker', args);
    if (code !== 0) throw new Error(`docker ${args.join(' ')} ended with ${code}:\n${output}`);
    return output;
  }

  async metrics(): Promise<MetricsDocument> {
    const { statusCode, body } = await request(`${this.fleetUrl}/api/v1/metrics?window=all`, {
      headers: { authorization: `Bearer ${this.env['API_TOKEN'] ?? ''}` },
    });
    if (statusCode !== 200) throw new Error(`the API answers ${statusCode}: ${await body.text()}`);
    return (await body.json()) as MetricsDocument;
  }

  /** Waits until as many requests have ended as are known to have been made, and tells what the fleet says then. */
  settled(total: number): Promise<MetricsDocument> {
    return waitFor(`${total} requests to be counted`, async () => {
      const document = await this.metrics();
      const { requests } = document;
      if (requests.total > total) throw new Error(`${requests.total} requests are counted`);
      return requests.total === total && requests.waiting + requests.running === 0 && document;
    }, 60_000); // prettier-ignore
  }

  /** The value of a query that gives one. */
  async query(promql: string): Promise<number> {
    const { body } = await request(`${this.prometheusUrl}/api/v1/query?query=${encodeURIComponent(promql)}`);
    const { data } = (await body.json()) as { data: { result: readonly { value: readonly [number, string] }[] } };
    return Number(data.result[0]?.value[1]);
  }
}
