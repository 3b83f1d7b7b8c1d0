import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { hasPrometheus, Prometheus, type PrometheusOptions } from './prometheus.js';

const folder = mkdtempSync(join(tmpdir(), 'prometheus-rules-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Serves a counter that grows by one with each scrape. */
async function counting(): Promise<{ readonly url: string; readonly asked: readonly IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  const server: Server = createServer((call, answer) => {
    asked.push(call);
    answer.setHeader('content-type', 'application/openmetrics-text; version=1.0.0');
    answer.end(`# HELP scrapes Scrapes\n# TYPE scrapes counter\nscrapes_total{side="a"} ${asked.length} # {trace_id="a1"} 1\n# EOF\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/numbers?all=1`, asked };
}

async function start(options: PrometheusOptions): Promise<Prometheus> {
  const prometheus = await Prometheus.start(options);
  onTestFinished(() => prometheus.close());
  return prometheus;
}

describe.skipIf(!hasPrometheus())('the Prometheus of the tests', () => {
  it('scrapes, evaluates rules, and answers', async () => {
    const { url, asked } = await counting();
    const rules = join(folder, 'rules.yml');
    const list = [
      { record: 'twice', expr: '2 * scrapes_total' },
      { alert: 'Many', expr: 'scrapes_total > 0', labels: { severity: 'info' } },
    ];
    writeFileSync(rules, JSON.stringify({ groups: [{ name: 'group', rules: list }] }));
    const prometheus = await start({
      targets: [{ job: 'numbers', url, token: 'let-me-in', labels: { site: 'here' } }],
      ruleFiles: [rules],
    });
    await prometheus.waitForTargets();
    expect(asked[0]?.headers.authorization).toBe('Bearer let-me-in');

    const [sample] = await prometheus.waitForQuery('twice', ({ value }) => value >= 4);
    expect(sample?.labels).toMatchObject({ side: 'a', job: 'numbers', site: 'here' });
    const [series] = await prometheus.series('scrapes_total[1m]');
    expect(series?.points.map(({ value }) => value)).toEqual(series?.points.map((_point, index) => index + 1));
    expect(await prometheus.value('scalar(scrapes_total) > bool 0')).toBe(1);
    expect(await prometheus.value('no_such_metric')).toBeUndefined();
    expect(await prometheus.labelValues('side', 'scrapes_total')).toEqual(['a']);
    expect((await prometheus.queryRange('scrapes_total', Date.now() - 1_000, Date.now()))[0]?.points.length).toBeGreaterThan(0);
    expect((await prometheus.metadata()).get('scrapes')).toEqual([{ type: 'counter', help: 'Scrapes', unit: '' }]);
    const exemplars = await prometheus.exemplars('scrapes_total', Date.now() - 60_000, Date.now());
    expect(exemplars[0]).toMatchObject({ series: { side: 'a' }, labels: { trace_id: 'a1' }, value: 1 });
    expect(await prometheus.rules()).toMatchObject([
      { name: 'twice', type: 'recording', health: 'ok', alerts: [] },
      { name: 'Many', type: 'alerting', health: 'ok', state: 'firing', alerts: [{ state: 'firing' }] },
    ]);
    await expect(prometheus.query('rate(')).rejects.toThrow('parse error');
  });

  it('says what is wrong with a configuration that it does not take', async () => {
    await expect(Prometheus.start({ config: 'scrape_configs: 7' })).rejects.toThrow('cannot unmarshal');
  });
});
