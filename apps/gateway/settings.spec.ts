import { describe, expect, it } from 'vitest';
import { SettingsError, SettingsReader } from '#libs/runtime';
import { gatewaySettings } from './settings.js';

function problemsOf(env: Record<string, string>): string[] {
  try {
    gatewaySettings(new SettingsReader(env));
    return [];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.problems.map(({ name, message }) => `${name}: ${message}`);
  }
}

const spoolOf = (env: Record<string, string>) => gatewaySettings(new SettingsReader({ UPSTREAM_URL: 'http://m', ...env })).spool;

describe('gatewaySettings', () => {
  it('has the documented defaults', () => {
    expect(gatewaySettings(new SettingsReader({ UPSTREAM_URL: 'http://127.0.0.1:8001', GATEWAY_ID: 'g' }))).toMatchObject({
      host: '127.0.0.1',
      port: 8000,
      gatewayId: 'g',
      upstream: {
        url: 'http://127.0.0.1:8001',
        apiKey: undefined,
        connectTimeoutMs: 5000,
        headersTimeoutMs: 300_000,
        idleTimeoutMs: 60_000,
        keepAliveMs: 4000,
      },
      maxConcurrentRequests: 256,
      maxQueueSize: 1024,
      queueTimeoutMs: 30_000,
      maxBodyBytes: 33_554_432,
      drainTimeoutMs: 30_000,
      tenantHeader: undefined,
      aggregatorUrl: undefined,
    });
  });

  it('has a spool where the log is on brokers, and none beside a log that is a file itself', () => {
    const brokers = { EVENT_LOG_URL: 'kafka://b:9092' };
    expect(spoolOf(brokers)).toEqual({ folder: './data/spool', maxBytes: 1_073_741_824 });
    expect(spoolOf({ ...brokers, SPOOL_DIR: '/s', SPOOL_MAX_BYTES: '5' })).toEqual({ folder: '/s', maxBytes: 5 });
    for (const url of ['file:./data', 'memory:']) expect(spoolOf({ EVENT_LOG_URL: url, SPOOL_DIR: '/s' })).toBeUndefined();
    expect(problemsOf({ UPSTREAM_URL: 'http://m', SPOOL_MAX_BYTES: '-1' })[0]).toMatch(/^SPOOL_MAX_BYTES: "-1" is not a whole number/);
  });

  it('needs an upstream, and says how to name one', () => {
    expect(problemsOf({})).toEqual(['UPSTREAM_URL: is required, for example http://127.0.0.1:8001']);
    expect(problemsOf({ UPSTREAM_URL: 'localhost:8001' })).toEqual(['UPSTREAM_URL: not an http:// or https:// address']);
  });

  it('takes an upstream with or without the version that every route has', () => {
    for (const url of ['http://h/x', 'http://h/x/', 'http://h/x/v1', 'http://h/x/v1/']) {
      expect(gatewaySettings(new SettingsReader({ UPSTREAM_URL: url })).upstream.url).toBe('http://h/x');
    }
  });

  it('takes no body limit beyond what can be read', () => {
    expect(problemsOf({ UPSTREAM_URL: 'http://m', MAX_BODY_BYTES: '1073741824' })).toEqual([
      'MAX_BODY_BYTES: "1073741824" is not a whole number from 1 to 268435456',
    ]);
  });

  it('reports every mistake at once', () => {
    const env = { UPSTREAM_URL: 'http://h', MAX_CONCURRENT_REQUESTS: '0', QUEUE_TIMEOUT_MS: 'soon', GATEWAY_ID: 'a/b' };
    expect(problemsOf(env).map((line) => line.split(':')[0])).toEqual(['GATEWAY_ID', 'MAX_CONCURRENT_REQUESTS', 'QUEUE_TIMEOUT_MS']);
  });
});
