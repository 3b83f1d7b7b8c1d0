import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What starts an engine, and images to work with, on a machine that has none; it is not part of the repository. */
const TOOLS = fileURLToPath(new URL('../../../shared/tools/docker', import.meta.url));
const NEEDED = 'a Docker engine that answers, with the compose plugin 2.20 or newer';

/** The environment in which `docker compose` works; undefined, after a loud line, where it does not. With `CI` it throws there. */
export function dockerEnvironment(): NodeJS.ProcessEnv | undefined {
  const env = { ...process.env };
  if (!works(env) && existsSync(TOOLS)) Object.assign(env, startEngine());
  if (works(env)) return env;
  if (process.env['CI']) throw new Error(`the tests of docker-compose.yml need ${NEEDED}`);
  console.warn(`SKIPPED: the tests of docker-compose.yml need ${NEEDED}`);
  return undefined;
}

/** Called by vitest once a run: an engine that the tests have started ends with them. */
export function setup(): () => void {
  const wasUp = works(process.env) || (existsSync(TOOLS) && run(join(TOOLS, 'engine'), ['status']).status === 0);
  const isTheirs = existsSync(TOOLS) && (!wasUp || process.env['CI'] !== undefined);
  return () => {
    if (isTheirs) run(join(TOOLS, 'engine'), ['down']);
  };
}

function works(env: NodeJS.ProcessEnv): boolean {
  return ['version', 'compose version'].every((command) => spawnSync('docker', command.split(' '), { env }).status === 0);
}

function startEngine(): NodeJS.ProcessEnv {
  // The images get the modes of the files that they are made of, and some of these have to be written.
  const tools = mkdtempSync(join(tmpdir(), 'docker-tools-'));
  cpSync(TOOLS, tools, { recursive: true });
  makeWritable(tools);
  const { stdout } = said(run(join(tools, 'engine'), ['up']));
  const env = Object.fromEntries([...stdout.matchAll(/(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]));
  for (const tool of ['compose-plugin', 'images']) said(run(join(tools, tool), [], { ...process.env, ...env }));
  return env;
}

function makeWritable(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    chmodSync(join(entry.parentPath, entry.name), 0o755);
  }
}

function run(command: string, args: readonly string[], env = process.env) {
  return spawnSync(command, args, { env, encoding: 'utf8' });
}

/** What it did not manage is said, and then nothing works, which is what the caller finds. */
function said(result: ReturnType<typeof run>): ReturnType<typeof run> {
  if (result.status !== 0) console.warn(result.stderr);
  return result;
}
