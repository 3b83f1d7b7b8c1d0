import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { topicsOf } from '#libs/contracts';
import { openEventLog, type EventLog } from '#libs/event-log';
import { OUTBOX_INSTRUMENTS } from '#libs/process-metrics';
import { Logger, SettingsReader } from '#libs/runtime';
import { missingIn, undeclaredIn } from '../../test/support/declared.js';
import { hasPromtool, openMetricsProblems, textProblems } from '../../test/support/promtool.js';
import { waitFor } from '../../test/support/wait.js';
import { startGpuProbe } from './app.js';
import { GPU_PROBE_INSTRUMENTS } from './in/instruments.js';
import { gpuProbeSettings } from './settings.js';

let log: EventLog;
let app: Awaited<ReturnType<typeof startGpuProbe>>;
beforeEach(async () => {
  log = await openEventLog('memory:');
  await log.ensureTopics(Object.values(topicsOf()));
});
afterEach(async () => {
  await app.drain();
  await log.close();
});

async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
  const settings = gpuProbeSettings(new SettingsReader({ PORT: '0', GPU_SOURCE: 'simulated', GPU_INTERVAL_MS: '100', ...env }));
  app = await startGpuProbe(settings, log, new Logger('test', 'error'));
}

const scrape = async (headers: Record<string, string> = {}): Promise<string> => (await fetch(`${app.url}/metrics`, { headers })).text();

describe('/metrics of a probe', () => {
  it('tells of its readings and of its outbox', async () => {
    await start();
    await waitFor('a reading', async () => /^inferometer_gpu_probe_devices 1$/m.test(await scrape()));
    const text = await scrape();
    expect(text).toMatch(/^inferometer_gpu_probe_reading_age_seconds 0\.\d+$/m);
    expect(text).toMatch(/^inferometer_event_log_connected 1$/m);
    expect(text).toContain('inferometer_build_info{app="gpu-probe"');
    const tables = [OUTBOX_INSTRUMENTS, GPU_PROBE_INSTRUMENTS];
    expect([undeclaredIn(text, tables), missingIn(text, tables)]).toEqual([[], []]);
  });

  it('has no age of a reading before there is one', async () => {
    await start({ GPU_SOURCE: 'none' });
    const text = await scrape();
    expect(text).toMatch(/^inferometer_gpu_probe_devices 0$/m);
    expect(text).not.toContain('reading_age');
  });

  it('asks for the token where one is set', async () => {
    await start({ API_TOKEN: 'T0ken' });
    const refused = await fetch(`${app.url}/metrics`);
    expect([refused.status, await refused.json()]).toMatchObject([401, { error: { code: 'unauthorized' } }]);
    expect(await scrape({ authorization: 'Bearer T0ken' })).toContain('inferometer_build_info');
    expect((await fetch(`${app.url}/health`)).status).toBe(200);
  });

  it.skipIf(!hasPromtool())('is what Prometheus reads without complaint', async () => {
    await start();
    expect(textProblems(await scrape())).toBe('');
    expect(openMetricsProblems(await scrape({ accept: 'application/openmetrics-text' }))).toBe('');
  });
});
