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

const settingsOf = (env: Record<string, string>) => gatewaySettings(new SettingsReader({ UPSTREAM_URL: 'http://m', ...env }));
const spoolOf = (env: Record<string, string>) => settingsOf(env).spool;

describe('gatewaySettings', () => {
  it('has the documented defaults', () => {
    expect(gatewaySettings(new SettingsReader({ UPSTREAM_URL: 'http://127.0.0.1:8001', GATEWAY_ID: 'g' }))).toMatchObject({
      host: '127.0.0.1',
      port: 8000,
      gatewayId: 'g',
      upstream: {
        urls: ['http://127.0.0.1:8001'],
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
      expect(gatewaySettings(new SettingsReader({ UPSTREAM_URL: url })).upstream.urls).toEqual(['http://h/x']);
    }
  });

  it('takes several upstreams, each once', () => {
    const env = { UPSTREAM_URL: 'http://a:1/v1, http://b:2' };
    expect(gatewaySettings(new SettingsReader(env)).upstream.urls).toEqual(['http://a:1', 'http://b:2']);
    expect(problemsOf({ UPSTREAM_URL: 'http://a/v1,http://a' })).toEqual(['UPSTREAM_URL: names the same address twice']);
    expect(problemsOf({ UPSTREAM_URL: 'http://a,b' })).toEqual(['UPSTREAM_URL: not an http:// or https:// address']);
  });

  it('has no limits of tenants unless they are set', () => {
    expect(settingsOf({})).toMatchObject({ maxConcurrentPerTenant: undefined, maxQueuePerTenant: undefined, queueOrder: 'arrival' });
    const set = { MAX_CONCURRENT_PER_TENANT: '2', MAX_QUEUE_PER_TENANT: '3', QUEUE_ORDER: 'tenants' };
    expect(settingsOf(set)).toMatchObject({ maxConcurrentPerTenant: 2, maxQueuePerTenant: 3, queueOrder: 'tenants' });
  });

  it('takes no body limit beyond what can be read', () => {
    expect(problemsOf({ UPSTREAM_URL: 'http://m', MAX_BODY_BYTES: '1073741824' })).toEqual([
      'MAX_BODY_BYTES: "1073741824" is not a whole number from 1 to 268435456',
    ]);
  });

  it('takes origins and networks that make sense, and no others', () => {
    const base = { UPSTREAM_URL: 'http://m' };
    const { corsOrigins, trustedPeers } = gatewaySettings(
      new SettingsReader({ ...base, CORS_ORIGINS: 'https://a.b, http://c:81', TRUSTED_PEERS: '10.0.0.0/8,2001:db8::/32,1.2.3.4' }),
    );
    expect(corsOrigins).toEqual(['https://a.b', 'http://c:81']);
    const trusted = ['10.255.0.1', '::ffff:10.0.0.1', '1.2.3.4', '2001:db8::5'];
    const others = ['11.0.0.1', '127.0.0.1', '1.2.3.5', '::1', '2001:db9::5'];
    const isTrusted = (address: string) => trustedPeers.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
    expect([trusted, others].map((list) => list.map(isTrusted))).toEqual([trusted.map(() => true), others.map(() => false)]);
    for (const bad of ['a.b', 'https://a.b/', 'null']) {
      expect(problemsOf({ ...base, CORS_ORIGINS: bad })).toEqual([expect.stringContaining(`CORS_ORIGINS: "${bad}" is neither`)]);
    }
    for (const bad of ['10.0.0.0/33', 'localhost', '10.0.0.0/', '::1/129', '1.2.3.4/8/8']) {
      expect(problemsOf({ ...base, TRUSTED_PEERS: bad })).toEqual([expect.stringContaining(`TRUSTED_PEERS: "${bad}" is not`)]);
    }
  });

  it('trusts this machine alone by default', () => {
    const { trustedPeers } = gatewaySettings(new SettingsReader({ UPSTREAM_URL: 'http://m' }));
    const check = (address: string, family: 'ipv4' | 'ipv6') => trustedPeers.check(address, family);
    expect([check('127.0.0.1', 'ipv4'), check('::1', 'ipv6'), check('::ffff:127.0.0.1', 'ipv6'), check('10.0.0.1', 'ipv4')]).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it('reports every mistake at once', () => {
    const env = { UPSTREAM_URL: 'http://h', MAX_CONCURRENT_REQUESTS: '0', QUEUE_TIMEOUT_MS: 'soon', GATEWAY_ID: 'a/b' };
    expect(problemsOf(env).map((line) => line.split(':')[0])).toEqual(['GATEWAY_ID', 'MAX_CONCURRENT_REQUESTS', 'QUEUE_TIMEOUT_MS']);
  });
});
