import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { kafkaInstallation, type KafkaInstallation } from './installation.js';
import { brokerProperties } from './properties.js';
import { Watchdog } from './watchdog.js';

export interface KafkaBrokerOptions {
  /** Broker settings beside and over the usual ones. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Where clients connect; a free port if it is not given. */
  readonly port?: number;
  /** The port that the broker tells its clients to come to, where that is a proxy's. */
  readonly advertisedPort?: number;
  /** More listeners by name, with their security protocol: `{ SECURE: 'SASL_PLAINTEXT' }`. Each gets a free port: see `addressOf`. */
  readonly listeners?: Readonly<Record<string, string>>;
  /** More arguments for formatting the folder, such as `--add-scram …`. */
  readonly format?: readonly string[];
  /** Where the data is, and stays. Without it, it is in a temporary folder that goes with the broker. */
  readonly folder?: string;
}

interface Place {
  readonly folder: string;
  readonly isTemporary: boolean;
  /** The port of every listener by its name. */
  readonly ports: Readonly<Record<string, number>>;
}

export const KAFKA_NEEDS =
  'a Kafka broker needs Java 17 or newer and Maven on the PATH (Debian: apt-get install openjdk-17-jre-headless maven)';

const START_DEADLINE_MS = 60_000;
const DRAIN_DEADLINE_MS = 20_000;
const HOST = '127.0.0.1';

/**
 * One Kafka node, broker and controller, in a process of its own that can be stopped, killed and started again.
 * It ends with this process, however this process ends.
 */
export class KafkaBroker {
  private readonly installation: KafkaInstallation;
  private readonly place: Place;
  private readonly watchdog: Watchdog;
  private child: ChildProcess | undefined;
  private ended: Promise<void> = Promise.resolve();

  private constructor(installation: KafkaInstallation, place: Place) {
    this.installation = installation;
    this.place = place;
    this.watchdog = new Watchdog(place.isTemporary ? { signal: 'KILL', removes: place.folder } : { signal: 'TERM' });
  }

  /** Resolves when it answers. Rejects if Java or Maven is missing, or, with what it printed, if it does not start. */
  static async start(options: KafkaBrokerOptions = {}): Promise<KafkaBroker> {
    const installation = await kafkaInstallation();
    if (!installation) throw new Error(KAFKA_NEEDS);
    const place = await placeOf(options);
    const properties = join(place.folder, 'server.properties');
    const broker = new KafkaBroker(installation, place);
    try {
      writeFileSync(properties, brokerProperties(place, options));
      if (!existsSync(join(place.folder, 'log', 'meta.properties'))) await broker.format(options.format ?? []);
      await broker.launch();
      return broker;
    } catch (error) {
      await broker.stop();
      throw error;
    }
  }

  /** `host:port` of the plain listener, or of the proxy that is to stand before it. */
  get brokers(): string {
    return `${HOST}:${this.place.ports['ADVERTISED']}`;
  }

  /** The port that the broker itself listens on. */
  get port(): number {
    return this.place.ports['PLAINTEXT']!;
  }

  /** Where its data is. */
  get folder(): string {
    return this.place.folder;
  }

  /** The process's id. */
  get pid(): number {
    if (this.child?.pid === undefined) throw new Error('the broker does not run');
    return this.child.pid;
  }

  /** Resolves when the process has ended, for whatever reason. */
  get exited(): Promise<void> {
    return this.ended;
  }

  /** `host:port` of one of the additional listeners. */
  addressOf(listener: string): string {
    const port = this.place.ports[listener];
    if (port === undefined) throw new Error(`no listener ${listener}`);
    return `${HOST}:${port}`;
  }

  /** Stops the process where it is (SIGSTOP): connections stay open, and once this resolves nothing answers. */
  async pause(): Promise<void> {
    process.kill(this.pid, 'SIGSTOP');
    // Its threads stop one by one: until then they may go on answering.
    while (!isStopped(this.pid)) await wait(1);
  }

  /** Lets a paused process go on. */
  resume(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Kills the process (SIGKILL) and resolves when it is gone. Its data stays. */
  async kill(): Promise<void> {
    this.child?.kill('SIGKILL');
    await this.ended;
  }

  /** Starts it again at the same ports on the same data, after a kill if it still runs. Resolves when it answers. */
  async restart(): Promise<void> {
    await this.kill();
    await this.launch();
  }

  /** Ends it; one with a folder of its own gets time to close its files, any other is killed and its data removed. */
  async stop(): Promise<void> {
    if (!this.place.isTemporary) {
      this.child?.kill('SIGCONT');
      this.child?.kill('SIGTERM');
      await Promise.race([this.ended, wait(DRAIN_DEADLINE_MS, undefined, { ref: false })]);
    }
    await this.kill();
    await this.watchdog.dismiss();
  }

  private async format(more: readonly string[]): Promise<void> {
    const tool = (...args: string[]) => this.java([], ['kafka.tools.StorageTool', ...args]);
    const made = tool('format', '-t', clusterId(), '-c', join(this.place.folder, 'server.properties'), ...more);
    const code = await new Promise((resolve) => made.once('exit', resolve));
    if (code !== 0) throw new Error(`the broker's folder could not be formatted:\n${this.printed()}`);
  }

  private async launch(): Promise<void> {
    const child = this.java(['-Xmx384m'], ['kafka.Kafka', join(this.place.folder, 'server.properties')]);
    this.child = child;
    this.ended = new Promise((resolve) => {
      child.once('exit', () => {
        this.child = undefined;
        resolve();
      });
    });
    this.watchdog.watch(child.pid!);
    const deadline = Date.now() + START_DEADLINE_MS;
    while (!(await answers(this.port))) {
      if (this.child !== child || Date.now() > deadline) throw new Error(`the broker did not start:\n${this.printed()}`);
      await wait(50);
    }
  }

  private java(options: readonly string[], args: readonly string[]): ChildProcess {
    const output = openSync(join(this.place.folder, 'broker.log'), 'a');
    const { java, classPath } = this.installation;
    const jvm = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', ...options];
    // In a group of its own: Ctrl-C reaches it through us alone.
    const child = spawn(java, [...jvm, '-cp', classPath, ...args], { stdio: ['ignore', output, output], detached: true });
    closeSync(output);
    return child;
  }

  private printed(): string {
    return readFileSync(join(this.place.folder, 'broker.log'), 'utf8').slice(-5_000);
  }
}

async function placeOf({ folder, port, advertisedPort, listeners = {} }: KafkaBrokerOptions): Promise<Place> {
  const own = port ?? (await freePort());
  const ports: Record<string, number> = { PLAINTEXT: own, ADVERTISED: advertisedPort ?? own, CONTROLLER: await freePort() };
  for (const name of Object.keys(listeners)) ports[name] = await freePort();
  if (folder !== undefined) mkdirSync(folder, { recursive: true });
  return { folder: folder ?? mkdtempSync(join(tmpdir(), 'inferometer-kafka-')), isTemporary: folder === undefined, ports };
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** True if somebody accepts connections there. */
export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** As Kafka's own tool makes them: 16 random bytes, in 22 characters. */
function clusterId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(16)))
    .toString('base64url')
    .replace(/^-/, 'A');
}

/** Whether every thread of the process is stopped; true where there is no /proc to tell. */
function isStopped(pid: number): boolean {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return true;
  try {
    return readdirSync(tasks).every((task) => /^\d+ \(.*\) T /s.test(readFileSync(`${tasks}/${task}/stat`, 'utf8')));
  } catch {
    return false; // A thread has ended while its state was read.
  }
}
