import { describe, expect, it } from 'vitest';
import { banner, type BannerFacts } from './banner.js';

const facts = (overrides: Partial<BannerFacts> = {}): BannerFacts => ({
  version: '1.0.0',
  gatewayUrl: 'http://127.0.0.1:8000',
  aggregatorUrl: 'http://127.0.0.1:9100',
  upstreamUrl: 'http://127.0.0.1:8001',
  simulatedModel: 'demo-7b',
  maxConcurrent: 3,
  maxQueue: 10,
  eventLogUrl: 'file:./data',
  gpuSource: 'simulated',
  needsToken: false,
  demo: false,
  ...overrides,
});

describe('the banner', () => {
  it('says what is simulated', () => {
    const text = banner(facts());
    expect(text).toContain('Model server  simulated at http://127.0.0.1:8001 (3 running, 10 waiting); set UPSTREAM_URL');
    expect(text).toContain('GPU           simulated');
    expect(text).toContain('  npm run dashboard\n');
  });

  it('names every upstream', () => {
    const text = banner(facts({ simulatedModel: undefined, upstreamUrl: 'http://a:1, http://b:2' }));
    expect(text).toContain('Model server  http://a:1, http://b:2 (3 running');
  });

  it('never shows a password of the upstream’s address', () => {
    const text = banner(facts({ simulatedModel: undefined, upstreamUrl: 'http://user:hunter2@10.0.0.1:8001/prefix' }));
    expect(text).toContain('Model server  http://10.0.0.1:8001/prefix (3 running');
    expect(text).not.toContain('hunter2');
  });

  it('gives commands that work with another port and with a token', () => {
    const text = banner(facts({ gatewayUrl: 'http://127.0.0.1:8100', needsToken: true }));
    expect(text).toContain('npm run dashboard -- --url http://127.0.0.1:8100');
    expect(text).toContain('curl http://127.0.0.1:8100/api/v1/metrics -H "authorization: Bearer $API_TOKEN"');
  });
});
