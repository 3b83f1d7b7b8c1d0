import { afterEach, describe, expect, it } from 'vitest';
import { Logger, SettingsReader } from '#libs/runtime';
import { missingIn, undeclaredIn } from '../../test/support/declared.js';
import { hasPromtool, textProblems } from '../../test/support/promtool.js';
import { startModelServer } from './app.js';
import { MODEL_SERVER_INSTRUMENTS } from './in/instruments.js';
import { modelServerSettings } from './settings.js';

let app: Awaited<ReturnType<typeof startModelServer>>;
afterEach(() => app.drain());

async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
  const settings = modelServerSettings(new SettingsReader({ PORT: '0', TTFT_MS: '1', TOKENS_PER_SECOND: '10000', ...env }));
  app = await startModelServer(settings, new Logger('test', 'error'));
}

const scrape = async (): Promise<string> => (await fetch(`${app.url}/metrics`)).text();

describe('/metrics of the simulated model server', () => {
  it('counts its answers', async () => {
    await start();
    const body = '{"model":"demo-7b","max_tokens":2,"messages":[{"role":"user","content":"Hello"}]}';
    const answer = await fetch(`${app.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect([answer.status, (await answer.text()).length > 0]).toEqual([200, true]);
    const text = await scrape();
    expect(text).toMatch(/^inferometer_model_server_requests_ended_total\{outcome="finished"\} 1$/m);
    expect(text).toMatch(/^inferometer_model_server_requests_running 0$/m);
    expect([undeclaredIn(text, [MODEL_SERVER_INSTRUMENTS]), missingIn(text, [MODEL_SERVER_INSTRUMENTS])]).toEqual([[], []]);
  });

  it('asks for the token where one is set', async () => {
    await start({ API_TOKEN: 'T0ken' });
    expect((await fetch(`${app.url}/metrics`)).status).toBe(401);
    expect((await fetch(`${app.url}/metrics`, { headers: { authorization: 'Bearer T0ken' } })).status).toBe(200);
  });

  it.skipIf(!hasPromtool())('is what Prometheus reads without complaint', async () => {
    await start();
    expect(textProblems(await scrape())).toBe('');
  });
});
