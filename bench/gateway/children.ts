import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

const START_DEADLINE_MS = 20_000;
const STOP_DEADLINE_MS = 10_000;
const POLL_MS = 20;

/** A server in a process of its own, that this bench has started. */
export interface Child {
  readonly url: string;
  readonly pid: number;
  readonly process: ChildProcess;
}

export interface ChildCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where it will listen; without it the child says so on stderr, as `listening on URL`. */
  readonly port?: number;
}

/** Starts a server and resolves when it takes connections. Rejects, with what it has said, if it does not within some seconds. */
export async function start({ command, args, env = {}, port }: ChildCommand): Promise<Child> {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.on('error', (error) => (said += error.message));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const deadline = performance.now() + START_DEADLINE_MS;
  while (performance.now() < deadline && child.exitCode === null && child.pid !== undefined) {
    const url = port === undefined ? /listening on (http:\S+?),?\s/.exec(said)?.[1] : await urlIfOpen(port);
    if (url !== undefined) return { url, pid: child.pid, process: child };
    await wait(POLL_MS);
  }
  child.kill('SIGKILL');
  throw new Error(`${command} ${args.join(' ')} did not start: ${said}`);
}

async function urlIfOpen(port: number): Promise<string | undefined> {
  const socket = connect(port, '127.0.0.1');
  const isOpen = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return isOpen ? `http://127.0.0.1:${port}` : undefined;
}

/** Ends it; by force if it takes long. */
export async function stop({ process: child }: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  await exited;
  clearTimeout(timer);
}
