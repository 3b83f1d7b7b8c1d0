import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasPromtool, openMetricsProblems, textProblems } from '../../test/support/promtool.js';
import { waitFor } from '../../test/support/wait.js';
import { PROCESS_INSTRUMENTS, type Instruments } from './instruments.js';
import { ProcessMetrics } from './process-metrics.js';
import { prometheusName } from './prometheus-text.js';

const INSTRUMENTS = {
  moved: { name: 'inferometer.test.moved', kind: 'counter', unit: '{thing}', help: 'Things moved', labels: ['to'] },
  age: { name: 'inferometer.test.age', kind: 'gauge', unit: 's', help: 'Age' },
} as const satisfies Instruments;

let metrics: ProcessMetrics;
let warnings: string[];
beforeEach(() => {
  warnings = [];
  metrics = new ProcessMetrics('test', { warn: (message) => void warnings.push(String(message)) });
});
afterEach(() => metrics.close());

const linesOf = async (name: string): Promise<string[]> => (await metrics.render('text')).split('\n').filter((line) => line.includes(name));
const valueOf = async (sample: string): Promise<number> => Number((await linesOf(sample)).at(-1)?.split(' ').at(-1));

describe('the metrics of a process', () => {
  it('tell of the process itself', async () => {
    const text = await metrics.render('text');
    for (const instrument of Object.values(PROCESS_INSTRUMENTS)) expect(text).toContain(`# TYPE ${prometheusName(instrument)} `);
    expect(await valueOf('process_memory_usage_bytes')).toBeGreaterThan(10_000_000);
    expect(await valueOf('inferometer_build_info{app="test",version="')).toBe(1);
    expect(text).not.toMatch(/otel_|target_info/);
  });

  it('tell values as they are at each scrape, and only those', async () => {
    let values: [number, Record<string, string>][] = [
      [1, { to: 'a' }],
      [2, { to: 'b' }],
    ];
    metrics.observe(INSTRUMENTS, (tell) => {
      for (const [value, labels] of values) tell('moved', value, labels);
      tell('age', undefined);
    });
    const head = ['# HELP inferometer_test_moved_total Things moved', '# TYPE inferometer_test_moved_total counter'];
    expect(await linesOf('inferometer_test')).toEqual([
      ...head,
      'inferometer_test_moved_total{to="a"} 1',
      'inferometer_test_moved_total{to="b"} 2',
    ]);
    values = [[3, { to: 'b' }]];
    expect(await linesOf('inferometer_test')).toEqual([...head, 'inferometer_test_moved_total{to="b"} 3']);
  });

  it('tell more label sets than the SDK allows by itself', async () => {
    metrics.observe(INSTRUMENTS, (tell) => {
      for (let to = 0; to < 5000; to += 1) tell('moved', to, { to: String(to) });
    });
    expect(await linesOf('inferometer_test_moved_total{to=')).toHaveLength(5000);
    expect(await linesOf('overflow')).toEqual([]);
  });

  it('leave out what cannot be read, and say so once', async () => {
    metrics.observe({ age: INSTRUMENTS.age }, () => Promise.reject(new Error('the log is away')));
    metrics.observe({ moved: INSTRUMENTS.moved }, (tell) => tell('moved', 1, { to: 'a' }));
    await metrics.render('text');
    expect(await linesOf('inferometer_test_moved_total{')).toHaveLength(1);
    expect(await linesOf('inferometer_test_age')).toEqual([]);
    expect(warnings).toEqual(['a metric of this process cannot be read: Error: the log is away']);
  });

  it('do not wait for what never answers', async () => {
    metrics.observe({ age: INSTRUMENTS.age }, () => new Promise(() => {}));
    expect(await metrics.render('text')).toContain('process_uptime_seconds');
    expect(warnings).toEqual(['a metric of this process cannot be read: Error: not read within 2000 ms']);
  });

  it('are read once for scrapes that come together', async () => {
    let reads = 0;
    const gate = Promise.withResolvers<void>();
    metrics.observe({ age: INSTRUMENTS.age }, async (tell) => {
      reads += 1;
      await gate.promise;
      tell('age', reads);
    });
    const together = [metrics.render('text'), metrics.render('text'), metrics.render('text')];
    gate.resolve();
    expect(new Set(await Promise.all(together)).size).toBe(1);
    expect(reads).toBe(1);
    expect(await valueOf('inferometer_test_age_seconds')).toBe(2);
  });

  it('show a stalled event loop to every reader', async () => {
    const other = new ProcessMetrics('other', { warn: () => {} });
    // Not the first one: that begins before anything is measured.
    await waitFor('a stall', async () => {
      const endMs = performance.now() + 300;
      while (performance.now() < endMs);
      return (await valueOf('nodejs_eventloop_delay_max_seconds')) > 0.2;
    });
    expect(await other.render('text')).toMatch(/^nodejs_eventloop_delay_max_seconds 0\.[2-9]/m);
    await other.close();
  });

  it.skipIf(!hasPromtool())('are what Prometheus reads without complaint, in both formats', async () => {
    metrics.observe(INSTRUMENTS, (tell) => tell('moved', 1e21, { to: 'a "quoted" \\ back\nslash' }));
    expect(textProblems(await metrics.render('text'))).toBe('');
    expect(openMetricsProblems(await metrics.render('openmetrics'))).toBe('');
  });
});
