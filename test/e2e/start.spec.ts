import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedFile } from '../support/shared.js';
import { spawnApp, startStackProcess, temporaryFolder, type StackProcess } from '../support/stack.js';
import { waitFor } from '../support/wait.js';

const COUNTED_WITHIN_MS = 2_000;
const seedMonitor = hasPythonRequests() ? sharedFile('seed/monitor.py') : undefined;
const seedRules = sharedFile('seed/rules.yml');
const seedQueries = sharedFile('seed/queries.promql');

/** The loop needs Python's `requests`. Where tests may not be skipped, its absence is a failure. */
function hasPythonRequests(): boolean {
  const { status } = spawnSync('python3', ['-c', 'import requests']);
  if (status !== 0 && !process.env['CI']) console.warn("SKIPPED: no python3 with requests here; the seed's monitoring loop is not run");
  return status === 0 || Boolean(process.env['CI']);
}

describe('npm start', () => {
  let stack: StackProcess;

  beforeAll(async () => {
    stack = await startStackProcess(temporaryFolder(), { TTFT_MS: '20', TOKENS_PER_SECOND: '200' });
  });
  afterAll(() => stack.stop());

  const text = async (path: string): Promise<string> => (await request(`${stack.gatewayUrl}${path}`)).body.text();

  it('says that the model server is simulated, and with which limits', () => {
    expect(stack.output()).toContain('simulated at');
    expect(stack.output()).toContain('(3 running, 10 waiting)');
    expect(stack.output()).toContain(`curl -N ${stack.gatewayUrl}/v1/chat/completions`);
  });

  it('counts a streamed chat in the JSON API and in Prometheus within 2 s, behind one door', async () => {
    const { statusCode, body } = await request(`${stack.gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'demo-7b', stream: true, max_tokens: 7, messages: [{ role: 'user', content: 'Hello' }] }),
    });
    expect(statusCode).toBe(200);
    expect((await body.text()).trimEnd().endsWith('data: [DONE]')).toBe(true);
    const counted = await waitFor(
      'the request in the API',
      async () => {
        const document = await stack.metrics();
        return document.requests.successful === 1 && document;
      },
      COUNTED_WITHIN_MS,
    );
    expect(counted).toMatchObject({
      status: 'healthy',
      tokens: { total_output: 7 },
      slo: { sample_size: 1 },
      gpus: [{ vendor: 'NVIDIA' }],
    });
    const prometheus = await text('/metrics/prometheus');
    expect(prometheus).toContain('\nvllm_total_requests 1\n');
    expect(prometheus).toContain('\nvllm_successful_requests 1\n');
    expect(prometheus).toContain('\nvllm_total_output_tokens 7\n');
    expect(prometheus).toMatch(/\nvllm_gpu_total_gb\{gpu="0",name="[^"]+",host="[^"]+"\} 9\.\d+\n/);
  });

  it('answers a POST, refuses a bad window with what is allowed, and an unknown route in the shape of OpenAI', async () => {
    const posted = await request(`${stack.gatewayUrl}/api/v1/metrics?window=1m`, { method: 'POST' });
    expect(posted.statusCode).toBe(200);
    expect(await posted.body.json()).toMatchObject({ window: { name: '1m', seconds: 60 } });
    const bad = await request(`${stack.gatewayUrl}/api/v1/metrics?window=2m`);
    expect(bad.statusCode).toBe(400);
    expect(await bad.body.json()).toMatchObject({ error: { message: 'window must be one of 1m, 5m, 15m, 1h, all', param: null } });
    const unknown = await request(`${stack.gatewayUrl}/nowhere`);
    expect(unknown.statusCode).toBe(404);
    expect(await unknown.body.json()).toMatchObject({ error: { param: null } });
  });

  it.skipIf(!seedMonitor)('runs the monitoring loop of the first users unchanged', async () => {
    const loop = spawn('python3', ['-u', seedMonitor!, stack.gatewayUrl], {
      env: { ...process.env, PYTHONIOENCODING: 'utf-8', no_proxy: '*' },
    });
    let printed = '';
    loop.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    await waitFor('one round of the loop', async () => printed.includes('-'.repeat(40)));
    loop.kill();
    expect(printed).toMatch(/^状态: healthy\n等待: 0 \| 运行: 0\nTTFT P95: 0\.\d\ds\n吞吐量: \d+\.\d tok\/s\nGPU: \d+\.\d%\n-{40}/);
  });

  it.skipIf(!seedRules || !seedQueries)('exposes every name of the seed’s rules and queries', async () => {
    const used = new Set([seedRules!, seedQueries!].flatMap((file) => readFileSync(file, 'utf8').match(/vllm_\w+/g) ?? []));
    const exposed = await text('/metrics/prometheus');
    expect(used.size).toBeGreaterThanOrEqual(7);
    for (const name of used) expect(exposed).toMatch(new RegExp(`^${name} `, 'm'));
  });
});

describe('npm start that cannot', () => {
  const ports = { PORT: '0', AGGREGATOR_PORT: '0', GPU_PROBE_PORT: '0', MODEL_SERVER_PORT: '0' };

  async function failure(
    env: Readonly<Record<string, string>>,
    args: readonly string[] = [],
  ): Promise<{ readonly code: number | null; readonly lines: readonly string[] }> {
    const { exited, output } = spawnApp('stack', { EVENT_LOG_URL: 'memory:', ...ports, LOG_LEVEL: 'error', ...env }, args);
    const code = await exited;
    return { code, lines: output().trim().split('\n') };
  }

  it('because a port is in use says so in one line and exits with 2', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const address = taken.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    for (const name of ['PORT', 'AGGREGATOR_PORT', 'MODEL_SERVER_PORT']) {
      const { code, lines } = await failure({ [name]: port });
      expect(code).toBe(2);
      expect(lines).toEqual([expect.stringContaining(`port ${port} on 127.0.0.1 is already in use`)]);
    }
    taken.close();
  });

  it('because the data folder is not writable says so in one line and exits with 2', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    const readOnly = join(folder, 'read-only');
    mkdirSync(readOnly);
    chmodSync(readOnly, 0o555);
    const unusable = process.getuid?.() === 0 ? [file] : [file, readOnly];
    for (const path of unusable) {
      const { code, lines } = await failure({ EVENT_LOG_URL: `file:${path}/data` });
      expect(code).toBe(2);
      expect(lines).toEqual([expect.stringContaining(path)]);
    }
  });

  it('because of bad settings reports all of them, with what is allowed, and exits with 2', async () => {
    const { code, lines } = await failure({ PORT: 'eighty', MAX_MODELS: '0', GPU_SOURCE: 'crystal', UPSTREAM_URL: 'ftp://x' });
    expect(code).toBe(2);
    expect(lines).toHaveLength(4);
    for (const name of ['PORT', 'MAX_MODELS', 'GPU_SOURCE', 'UPSTREAM_URL']) expect(lines.join('\n')).toContain(`${name}: `);
  });

  it('because of a bad file of limits says what is wrong in one line and exits with 2', async () => {
    const file = join(temporaryFolder(), 'limits.json');
    writeFileSync(file, '{"max_queue_size":-1}');
    const bad = await failure({ LIMITS_FILE: file });
    expect(bad).toEqual({ code: 2, lines: [expect.stringContaining('max_queue_size must be a whole number')] });
    const missing = await failure({ LIMITS_FILE: `${file}.not` });
    expect(missing).toEqual({ code: 2, lines: [expect.stringContaining(`LIMITS_FILE ${file}.not: It cannot be read.`)] });
  });

  it('because --demo has no API key says so in one line and exits with 2', async () => {
    const file = join(temporaryFolder(), 'keys');
    writeFileSync(file, '');
    const refused = await failure({ GATEWAY_API_KEYS_FILE: file }, ['--demo']);
    expect(refused).toEqual({ code: 2, lines: [expect.stringContaining('--demo sends requests without an API key')] });
  });
});

describe.each(['gateway', 'stack'])('SIGHUP to the %s', (app) => {
  it('reads the file of limits anew', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'limits.json');
    writeFileSync(file, '{"max_queue_size":5}');
    const ports = { PORT: '0', AGGREGATOR_PORT: '0', GPU_PROBE_PORT: '0', MODEL_SERVER_PORT: '0' };
    const env = { ...ports, EVENT_LOG_URL: 'memory:', SPOOL_DIR: join(folder, 'spool'), LIMITS_FILE: file };
    const { child, exited, output } = spawnApp(app, { ...env, ...(app === 'gateway' && { UPSTREAM_URL: 'http://127.0.0.1:9' }) });
    const url = await waitFor('its address', async () => /gateway listening on (http:[^\s,]+)/.exec(output())?.[1]);
    const queueSize = async (): Promise<number> => {
      const { body } = await request(`${url}/health`);
      return ((await body.json()) as { limits: { max_queue_size: number } }).limits.max_queue_size;
    };
    expect(await queueSize()).toBe(5);
    writeFileSync(file, '{"max_queue_size":6}');
    child.kill('SIGHUP');
    await waitFor('the new limit', async () => (await queueSize()) === 6);
    child.kill();
    expect(await exited).toBe(0);
  });
});
