import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import type { BenchRow } from './bench-row.js';

/*
 * The gateway, events on, beside a bare proxy of ten lines (`node:http` and undici's `dispatch`): a process each, in turn under the same load.
 * The load and the model server are this process, so that a proxy's CPU time is its own. Linux only: it is read from /proc.
 */

const BAR = 1.15;
const ROUNDS = 4;
const CONNECTIONS = 32;
const REQUESTS = 12_000;
const WARM_UP = 4_000;
const FRAMES = 1_500;
/** Each stream has a frame this often, so that a proxy meets most of them one by one. */
const FRAME_EVERY_MS = 1;
const START_DEADLINE_MS = 20_000;
/** Those of `npm run start:gateway`. */
const GATEWAY_FLAGS = ['--max-semi-space-size=8'];
/** Linux counts CPU time in hundredths of a second. */
const US_PER_TICK = 10_000;

const MESSAGES = [{ role: 'user', content: 'What is the weather like in Ljubljana in May? '.repeat(10) }];
const FRAME = `data: ${JSON.stringify({
  id: 'chatcmpl-0198c1d47a3e70008000',
  object: 'chat.completion.chunk',
  created: 1_767_225_600,
  model: 'demo-7b',
  choices: [{ index: 0, delta: { content: ' token' }, logprobs: null, finish_reason: null, token_ids: null }],
})}\n\n`;
const USAGE = { prompt_tokens: 100, total_tokens: 164, completion_tokens: 64 };
const USAGE_FRAME = `data: ${JSON.stringify({ id: 'chatcmpl-0', object: 'chat.completion.chunk', choices: [], usage: USAGE })}\n\n`;
const ANSWER = JSON.stringify({
  id: 'chatcmpl-0198c1d47a3e70008000',
  object: 'chat.completion',
  model: 'demo-7b',
  choices: [{ index: 0, message: { role: 'assistant', content: 'word '.repeat(64) }, finish_reason: 'stop' }],
  usage: USAGE,
});

interface Proxy {
  readonly url: string;
  readonly process: ChildProcess;
}

/** CPU time of one round, in µs a request and µs a frame. */
interface Round {
  readonly request: number;
  readonly frame: number;
}

/** CPU time of the gateway for a JSON request and for a frame of a stream, against a bare proxy in the same run. */
export async function run(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'inferometer-bench-'));
  const upstream = await startModel();
  const proxies: Proxy[] = [];
  try {
    const env = { PORT: '0', UPSTREAM_URL: upstream.url, EVENT_LOG_URL: `file:${folder}` };
    const gateway = await start([...GATEWAY_FLAGS, pathOf('../apps/gateway/main.js')], env);
    proxies.push(gateway);
    const freshMegabytes = residentMegabytes(gateway);
    const bare = await start([pathOf('./gateway.js'), 'bare', upstream.url]);
    proxies.push(bare);
    const [ours, theirs] = await measure(gateway, bare);
    return [
      ...rowsOf('JSON request', ours.request, theirs.request),
      ...rowsOf('SSE frame', ours.frame, theirs.frame),
      { name: 'gateway, resident memory after the start', value: freshMegabytes, unit: 'MB' },
      { name: 'gateway, resident memory after the load', value: residentMegabytes(gateway), unit: 'MB' },
      { name: 'bare proxy, resident memory after the load', value: residentMegabytes(bare), unit: 'MB' },
    ];
  } finally {
    await Promise.all(proxies.map(stop));
    upstream.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function rowsOf(what: string, ours: number, theirs: number): BenchRow[] {
  const ratio = ours / theirs;
  return [
    { name: `${what}, gateway`, value: ours, unit: 'µs CPU' },
    { name: `${what}, bare proxy`, value: theirs, unit: 'µs CPU' },
    { name: `${what}, gateway against bare`, value: ratio, unit: 'ratio', bar: `<= ${BAR}`, met: ratio <= BAR },
  ];
}

/** The rounds take turns, so that both have the same luck with the machine; requests before the first one warm them up. */
async function measure(gateway: Proxy, bare: Proxy): Promise<readonly [Round, Round]> {
  const rounds: [Round, Round][] = [];
  for (const proxy of [gateway, bare]) await askPlain(proxy, WARM_UP);
  for (let round = 0; round < ROUNDS; round += 1) rounds.push([await roundOf(gateway), await roundOf(bare)]);
  const medianOf = (side: 0 | 1): Round => ({
    request: median(rounds.map((pair) => pair[side].request)),
    frame: median(rounds.map((pair) => pair[side].frame)),
  });
  return [medianOf(0), medianOf(1)];
}

async function roundOf(proxy: Proxy): Promise<Round> {
  const before = cpuUs(proxy);
  await askPlain(proxy, REQUESTS);
  const between = cpuUs(proxy);
  await askStreams(proxy);
  return { request: (between - before) / REQUESTS, frame: (cpuUs(proxy) - between) / (CONNECTIONS * FRAMES) };
}

async function askPlain(proxy: Proxy, count: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const body = JSON.stringify({ model: 'demo-7b', messages: MESSAGES, max_tokens: 64 });
  const each = count / CONNECTIONS;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      for (let index = 0; index < each; index += 1) await ask(proxy, agent, body);
    }),
  );
  agent.destroy();
}

async function askStreams(proxy: Proxy): Promise<void> {
  const agent = new Agent({ maxSockets: CONNECTIONS });
  const options = { stream: true, stream_options: { include_usage: false } };
  const body = JSON.stringify({ model: 'demo-7b', messages: MESSAGES, max_tokens: 64, ...options });
  await Promise.all(Array.from({ length: CONNECTIONS }, () => ask(proxy, agent, body)));
  agent.destroy();
}

/** Rejects if the answer is not a whole success. */
function ask({ url }: Proxy, agent: Agent, body: string): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: 'Bearer key', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/v1/chat/completions`, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.once('close', () => {
        if (response.statusCode === 200 && response.complete) resolve();
        else reject(new Error(`answered ${response.statusCode}, complete: ${response.complete}`));
      });
    });
    asked.once('error', reject);
    asked.end(body);
  });
}

/** A model server that answers at once, and gives all streams a frame at a time. */
async function startModel(): Promise<{ url: string; close(): void }> {
  const streams = new Map<ServerResponse, number>();
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (part: string) => (body += part));
    incoming.on('end', () => {
      if (!body.includes('"stream":true')) {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': ANSWER.length }).end(ANSWER);
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
      streams.set(response, 0);
    });
  });
  const pace = setInterval(() => {
    for (const [response, sent] of streams) {
      if (sent < FRAMES) response.write(FRAME);
      else response.end(`${USAGE_FRAME}data: [DONE]\n\n`);
      if (sent < FRAMES) streams.set(response, sent + 1);
      else streams.delete(response);
    }
  }, FRAME_EVERY_MS);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      clearInterval(pace);
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Starts a process that says where it listens. */
async function start(args: readonly string[], env: Record<string, string> = {}): Promise<Proxy> {
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const deadline = performance.now() + START_DEADLINE_MS;
  while (performance.now() < deadline && child.exitCode === null) {
    const url = /listening on (http:\S+?),?\s/.exec(said)?.[1];
    if (url !== undefined) return { url, process: child };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill('SIGKILL');
  throw new Error(`${args.join(' ')} did not start: ${said}`);
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

async function stop({ process: child }: Proxy): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

function cpuUs({ process: { pid } }: Proxy): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * US_PER_TICK;
}

function residentMegabytes({ process: { pid } }: Proxy): number {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kilobytes) / 1000);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** The proxy to compare with: what nobody could do with less, if it is to be a proxy on `node:http` and undici. */
async function serveBare(upstreamUrl: string): Promise<void> {
  const pool = new Pool(upstreamUrl, { pipelining: 1 });
  const server = createServer((incoming, response) => {
    const parts: Buffer[] = [];
    incoming.on('data', (part: Buffer) => parts.push(part));
    incoming.on('end', () => {
      const headers = ['content-type', 'application/json'];
      const options = { method: 'POST', path: incoming.url ?? '/', headers, body: Buffer.concat(parts) };
      pool.dispatch(options, {
        onRequestStart: () => {},
        onResponseStart: (_controller, status, answered) => void response.writeHead(status, bareHeaders(answered)),
        onResponseData: (_controller, chunk) => void response.write(chunk),
        onResponseEnd: () => void response.end(),
        onResponseError: () => void response.destroy(),
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.on('SIGTERM', () => process.exit());
  console.error(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port} `);
}

function bareHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string | string[] | undefined> {
  const { connection: _connection, 'keep-alive': _keepAlive, 'transfer-encoding': _transferEncoding, ...rest } = headers;
  return rest;
}

if (process.argv[2] === 'bare' && process.argv[3] !== undefined) await serveBare(process.argv[3]);
