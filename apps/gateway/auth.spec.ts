import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KEYS_USAGE, keysCommand } from './in/keys-command.js';
import { answerJson, ScriptedUpstream, streamWords } from './scripted-upstream.fixture.js';
import { chatBody, send, TestGateway, until, type Answer } from './test-gateway.fixture.js';

let folder: string;
let file: string;
let upstream: ScriptedUpstream;
let gateway: TestGateway | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keys-'));
  file = join(folder, 'new', 'keys');
  upstream = await ScriptedUpstream.start();
  upstream.script = answerJson({ choices: [] });
  gateway = undefined;
});

afterEach(async () => {
  await gateway?.drain();
  await gateway?.close();
  await upstream.close();
  rmSync(folder, { recursive: true });
});

/** Runs the command; its lines and its exit code. */
function keys(...args: readonly string[]): { code: number; out: string[]; error: string[] } {
  const [out, error]: [string[], string[]] = [[], []];
  const terminal = { out: (text: string) => void out.push(text), error: (text: string) => void error.push(text) };
  return { code: keysCommand(args, { GATEWAY_API_KEYS_FILE: file }, terminal), out, error };
}

function add(name: string): string {
  return keys('add', name).out[0]!;
}

async function start(env: Record<string, string> = {}): Promise<TestGateway> {
  gateway = await TestGateway.start(upstream.url, { GATEWAY_API_KEYS_FILE: file, ...env });
  return gateway;
}

function ask(path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const options = path.startsWith('/v1/models') ? { method: 'GET' } : { body: chatBody() };
  return send(gateway!.url + path, { ...options, headers: { 'content-type': 'application/json', ...headers } }).answer;
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const json = ({ body }: Answer): unknown => JSON.parse(body.toString());

describe('API keys', () => {
  it('let their holders in, who are tenants, and stay here', async () => {
    const [acme, other] = [add('acme'), add('other')];
    const { url } = await start();
    upstream.script = streamWords('a');
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: acme, maxRetries: 0 });
    const stream = await client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'hi' }], stream: true });
    let choices = 0;
    for await (const chunk of stream) choices += chunk.choices.length;
    expect(choices).toBe(3);
    expect(await gateway!.completed()).toMatchObject({ tenant: 'acme' });
    upstream.script = answerJson({});
    await ask('/v1/messages', { 'x-api-key': other });
    const ends = await gateway!.terminals(2);
    expect(ends.find(({ data }) => 'operation' in data && data.operation === 'messages')!.data).toMatchObject({ tenant: 'other' });
    expect((await ask('/v1/models', bearer(other))).status).toBe(200);
    for (const { headers } of upstream.seen) expect([headers.authorization, headers['x-api-key']]).toEqual([undefined, undefined]);
    expect(
      [JSON.stringify(gateway!.events), gateway!.logLines.join('')].some((text) => [acme, other].some((key) => text.includes(key))),
    ).toBe(false);
  });

  it('give way to the key of the upstream', async () => {
    const key = add('acme');
    await start({ UPSTREAM_API_KEY: 'theirs' });
    await ask('/v1/chat/completions', { 'x-api-key': 'of another service', ...bearer(key) });
    expect(upstream.seen[0]!.headers.authorization).toBe('Bearer theirs');
    expect(upstream.seen[0]!.headers).not.toHaveProperty('x-api-key');
  });

  it.each([{}, bearer(''), bearer('ik-wrong'), { authorization: 'Basic aWs6' }, { 'x-api-key': 'ik-wrong' }])(
    'refuse %j',
    async (headers) => {
      add('acme');
      await start();
      const answer = await ask('/v1/chat/completions', { 'x-request-id': 'r', ...headers });
      expect([answer.status, answer.headers.connection, answer.headers['x-request-id']]).toEqual([401, 'close', 'r']);
      expect(json(answer)).toEqual({
        error: { message: 'A valid API key is needed.', type: 'invalid_request_error', code: 'invalid_api_key', param: null },
      });
      const failed = await gateway!.failed();
      expect(failed).toMatchObject({ error_type: 'unauthorized', status_code: 401, operation: 'chat', model: '' });
      expect(failed.duration_ms).toBeLessThan(10_000);
      expect(failed).not.toHaveProperty('tenant');
      expect(upstream.seen).toEqual([]);
      expect(JSON.stringify(gateway!.events) + gateway!.logLines.join('')).not.toContain('wrong');
    },
  );

  it('refuse in the shape of the API that was called', async () => {
    add('acme');
    await start();
    expect(json(await ask('/v1/messages', { 'x-api-key': 'x' }))).toEqual({
      type: 'error',
      error: { type: 'authentication_error', message: 'A valid API key is needed.' },
    });
    const models = await ask('/v1/models/m');
    expect([models.status, json(models)]).toMatchObject([401, { error: { code: 'invalid_api_key' } }]);
    expect(upstream.seen).toEqual([]);
  });

  it('are not asked for where nothing goes upstream', async () => {
    add('acme');
    await start();
    expect((await send(`${gateway!.url}/health`, { method: 'GET' }).answer).status).toBe(200);
    expect((await ask('/v1/nowhere')).status).toBe(404);
  });

  it('refuse before the body comes', async () => {
    add('acme');
    await start({ MAX_BODY_BYTES: '10' });
    expect((await ask('/v1/chat/completions')).status).toBe(401);
  });

  it('are read again when the file changes; a broken file changes nothing', async () => {
    const first = add('acme');
    await start();
    const second = add('acme');
    const until401 = async (key: string, status: number): Promise<void> => {
      const deadlineMs = performance.now() + 10_000;
      let got = 0;
      while (got !== status && performance.now() < deadlineMs) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        got = (await ask('/v1/models', bearer(key))).status;
      }
      expect(got).toBe(status);
    };
    await until401(second, 200);
    writeFileSync(file, 'nonsense');
    await until(
      () => gateway!.logLines.some((line) => line.includes('line 1 is not')),
      () => 'a complaint',
    );
    expect((await ask('/v1/models', bearer(first))).status).toBe(200);
    writeFileSync(file, '');
    await until401(first, 401);
  });

  it('must be readable at the start', async () => {
    await expect(start()).rejects.toThrow(/keys cannot be read \(ENOENT\); npm run keys/);
    writeFileSync(join(folder, 'bad'), '# fine\n\nacme ik-secret\n');
    await expect(start({ GATEWAY_API_KEYS_FILE: join(folder, 'bad') })).rejects.toThrow(/line 3 is not "DIGEST NAME"$/);
  });
});

describe('npm run keys', () => {
  it('keeps digests alone, for the user alone, and leaves the rest of the file as it is', () => {
    const [acme, other, again] = [add('acme'), add('other'), add('acme')];
    expect(new Set([acme, other, again]).size).toBe(3);
    expect(acme).toMatch(/^ik-[\w-]{43}$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    for (const key of [acme, other, again]) expect(readFileSync(file, 'utf8')).not.toContain(key);
    expect(keys('list').out).toEqual(
      ['acme', 'other', 'acme'].map((name) => expect.stringMatching(new RegExp(`^[0-9a-f]{8}…  ${name}$`)) as string),
    );
    writeFileSync(file, `# ours\n\n${readFileSync(file, 'utf8')}`);
    expect(keys('remove', 'acme')).toMatchObject({ code: 0, out: ['2 keys of acme removed'] });
    expect(readFileSync(file, 'utf8')).toMatch(/^# ours\n\n[0-9a-f]{64} other\n$/);
    expect(keys('remove', 'acme')).toMatchObject({ code: 2, error: ['acme has no key'] });
  });

  it('says what it wants', () => {
    for (const args of [[], ['add'], ['list', 'x'], ['add', 'a', 'b'], ['drop', 'a']]) {
      expect(keys(...args)).toEqual({ code: 2, out: [], error: [KEYS_USAGE] });
    }
    expect(keys('add', 'a b').error[0]).toContain('NAME may have');
    const errors: string[] = [];
    expect(keysCommand(['list'], {}, { out: () => {}, error: (text) => void errors.push(text) })).toBe(2);
    expect(errors).toEqual(['set GATEWAY_API_KEYS_FILE to the file that holds the keys']);
  });
});

describe('the tenant header', () => {
  it('is believed from trusted peers alone', async () => {
    file = '';
    await start({ TENANT_HEADER: 'x-tenant', TRUSTED_PEERS: '10.0.0.0/8, 2001:db8::/32' });
    await ask('/v1/chat/completions', { 'x-tenant': 'acme' });
    expect(await gateway!.completed()).not.toHaveProperty('tenant');
  });

  it('does not win over the name of a key', async () => {
    const key = add('acme');
    await start({ TENANT_HEADER: 'x-tenant' });
    await ask('/v1/chat/completions', { 'x-tenant': 'evil', ...bearer(key) });
    expect(await gateway!.completed()).toMatchObject({ tenant: 'acme' });
  });
});
