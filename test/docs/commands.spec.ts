import { spawn, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStackProcess, temporaryFolder, type StackProcess } from '../support/stack.js';
import { waitFor } from '../support/wait.js';
import { curlCommands, fieldsOf } from './commands.js';
import { documents } from './markdown.js';

/** Their commands want other servers than those of `npm start`. */
const OF_OTHERS = new Set(['docs/compose.md', 'docs/grafana.md']);
const COMMANDS = documents()
  .filter(({ path }) => (path === 'README.md' || path.startsWith('docs/')) && !OF_OTHERS.has(path))
  .flatMap(curlCommands);
const WITH_ANSWER = COMMANDS.filter(({ answer }) => answer !== undefined);
const SECRET = 'a-token-of-the-test';
const START_LIMIT_MS = 60_000;
/** curl's exit code for `--max-time`: a command that sets it shows an answer without an end. */
const TIMED_OUT = 28;
const hasCurl = spawnSync('curl', ['--version']).status === 0 || Boolean(process.env['CI']);
if (!hasCurl) console.warn('SKIPPED: no curl here; the commands of the documents are not run');

describe.skipIf(!hasCurl)('the curl lines of the documents, at a running system', () => {
  /** Without a token, and with one: for commands that name `$API_TOKEN`. */
  let [open, shut]: (StackProcess | undefined)[] = [];

  beforeAll(async () => {
    const models = new Set(COMMANDS.flatMap(({ text }) => /"model":"([^"]+)"/.exec(text)?.[1] ?? []));
    const env = { MODEL_NAMES: [...models].join(','), TTFT_MS: '20', TOKENS_PER_SECOND: '500', GPU_SIMULATED_MEMORY: '50' };
    [open, shut] = await Promise.all([
      startStackProcess(temporaryFolder(), env),
      startStackProcess(temporaryFolder(), { ...env, API_TOKEN: SECRET }),
    ]);
    const chat = COMMANDS.find(({ text }) => text.includes('/v1/chat/completions'));
    await curl(chat!.text, open);
    await waitFor('a request and a GPU in the API', async () => {
      const { requests, gpus } = await open!.metrics();
      return requests.successful > 0 && gpus.length > 0;
    });
  }, START_LIMIT_MS);
  afterAll(async () => {
    await Promise.all([open?.stop(), shut?.stop()]);
  });

  it('are found', () => {
    expect(COMMANDS.length).toBeGreaterThan(15);
    expect(WITH_ANSWER.length).toBeGreaterThan(5);
  });

  it.each(COMMANDS)('$place: $text', async ({ text }) => {
    const { code, status, body } = await run(text);
    expect([0, text.includes('--max-time') ? TIMED_OUT : 0]).toContain(code);
    expect(status).toMatch(/^2\d\d$/);
    expect(body).not.toBe('');
  });

  it.each(WITH_ANSWER)('$place: the answer that is shown has the fields of the real one', async ({ text, answer }) => {
    const { body } = await run(text);
    expect(fieldsOf(JSON.parse(body))).toEqual(fieldsOf(answer));
  });

  const run = (text: string) => curl(text, text.includes('$API_TOKEN') ? shut! : open!);
});

/** Runs a command of the documents, with the addresses of `stack` in place of those that `npm start` has by itself. */
async function curl(text: string, stack: StackProcess) {
  const real = Object.entries(addressesOf(stack)).reduce((command, [usual, address]) => command.replaceAll(usual, address), text);
  const command = real.replace(/^curl /, String.raw`curl -sS -w '\n%{http_code}' `);
  const child = spawn('sh', ['-c', command], { env: { PATH: process.env['PATH'], API_TOKEN: SECRET, NO_PROXY: '*' } });
  let [printed, complaint] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const end = printed.lastIndexOf('\n');
  return { code, status: printed.slice(end + 1) || complaint, body: printed.slice(0, end).trim() };
}

function addressesOf({ gatewayUrl, upstreamUrl, output }: StackProcess): Readonly<Record<string, string>> {
  const [, aggregatorUrl = ''] = /Aggregator +(\S+)/.exec(output()) ?? [];
  const [, probeUrl = ''] = /GPU probe \S+ at (\S+),/.exec(output()) ?? [];
  return {
    'http://127.0.0.1:8000': gatewayUrl,
    'http://127.0.0.1:9100': aggregatorUrl,
    'http://127.0.0.1:9101': probeUrl,
    'http://127.0.0.1:8001': upstreamUrl,
  };
}
