import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../processes.js';
import { start, type Child } from './children.js';

/** Those of `npm run start:gateway`. */
const GATEWAY_FLAGS = startScript('start:gateway').match(/--\S+/g) ?? [];
const GATEWAY_LIMITS = { MAX_CONCURRENT_REQUESTS: '2048' };
const PORTKEY_FOLDER = pathOf('../../../bench/portkey');

/** What can be asked: the model itself, or a proxy in front of it. */
export interface Target {
  readonly name: 'direct' | 'gateway' | 'bare' | 'nginx' | 'Portkey';
  readonly url: string;
  readonly child: Child;
  /** Request headers that it needs, beside those of every request. */
  readonly headers: readonly string[];
}

export async function startModel(): Promise<Target> {
  const child = await start({ command: process.execPath, args: [pathOf('./model.js')] });
  return { name: 'direct', url: child.url, child, headers: [] };
}

/** The gateway as it is shipped, events on; they go to an embedded log in `folder`, which is written in the gateway's own process. */
export async function startGateway(model: Target, folder: string): Promise<Target> {
  const env = { PORT: '0', UPSTREAM_URL: model.url, EVENT_LOG_URL: `file:${folder}`, ...GATEWAY_LIMITS };
  const child = await start({ command: process.execPath, args: [...GATEWAY_FLAGS, pathOf('../../apps/gateway/main.js')], env });
  return { name: 'gateway', url: child.url, child, headers: [] };
}

/** Ten lines on `node:http` and undici. */
export async function startBare(model: Target): Promise<Target> {
  const child = await start({ command: process.execPath, args: [pathOf('./bare.js'), model.url] });
  return { name: 'bare', url: child.url, child, headers: [] };
}

/** nginx `proxy_pass`, one worker; undefined, said aloud, where there is no nginx. */
export async function startNginx(model: Target, folder: string): Promise<Target | undefined> {
  if (spawnSync('nginx', ['-v']).error) {
    console.error('SKIPPED: the rows of nginx: there is no nginx in the PATH');
    return undefined;
  }
  const port = Number(await freePort());
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, nginxConfig(new URL(model.url).host, port, folder));
  const child = await start({ command: 'nginx', args: ['-e', 'stderr', '-p', folder, '-c', file], port });
  return { name: 'nginx', url: child.url, child, headers: [] };
}

/** Everything in the one process whose CPU time is read, and nothing outside `folder` touched. */
function nginxConfig(upstream: string, port: number, folder: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`);
  return `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr error;
events { worker_connections 8192; }
http {
  access_log off;
  keepalive_requests 1000000000;
  ${temporary.join(' ')}
  upstream model { server ${upstream}; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
  }
}
`;
}

/** Portkey's gateway, installed when it is first needed; undefined, said aloud, where it cannot be. */
export async function startPortkey(model: Target): Promise<Target | undefined> {
  const entry = join(PORTKEY_FOLDER, 'node_modules/@portkey-ai/gateway/build/start-server.js');
  if (!existsSync(entry)) {
    const { status } = spawnSync('npm', ['ci', '--prefix', PORTKEY_FOLDER, '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: PORTKEY_FOLDER,
      stdio: ['ignore', 2, 2],
    });
    if (status !== 0) {
      console.error('SKIPPED: the rows of Portkey: it could not be installed, see above');
      return undefined;
    }
  }
  const port = Number(await freePort());
  const child = await start({
    command: process.execPath,
    args: [entry, `--port=${port}`, '--headless'],
    env: { NODE_ENV: 'production' },
    port,
  });
  const headers = ['x-portkey-provider: openai', `x-portkey-custom-host: ${model.url}/v1`];
  return { name: 'Portkey', url: child.url, child, headers };
}

function startScript(name: string): string {
  const { scripts } = JSON.parse(readFileSync(pathOf('../../../package.json'), 'utf8')) as { readonly scripts: Record<string, string> };
  return scripts[name] ?? '';
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

/** A chat request to `target`, as it goes over the wire. */
export function chatRequest({ url, headers }: Target, body: string): Buffer {
  const lines = [
    'POST /v1/chat/completions HTTP/1.1',
    `host: ${new URL(url).host}`,
    'accept: application/json',
    'content-type: application/json',
    'user-agent: bench',
    'authorization: Bearer key',
    ...headers,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
