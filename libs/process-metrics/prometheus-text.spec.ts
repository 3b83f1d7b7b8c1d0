import { describe, expect, it } from 'vitest';
import { hasPromtool, openMetricsProblems } from '../../test/support/promtool.js';
import { prometheusName, toOpenMetrics } from './prometheus-text.js';

describe('prometheusName', () => {
  it.each([
    ['counter', 'process.cpu.time', 's', 'process_cpu_time_seconds_total'],
    ['counter', 'inferometer.outbox.dropped', '{event}', 'inferometer_outbox_dropped_total'],
    ['gauge', 'process.memory.usage', 'By', 'process_memory_usage_bytes'],
    ['gauge', 'nodejs.eventloop.utilization', '1', 'nodejs_eventloop_utilization_ratio'],
    ['gauge', 'inferometer.rollup.age.seconds', 's', 'inferometer_rollup_age_seconds'],
    ['gauge', 'inferometer.build.info', '', 'inferometer_build_info'],
  ] as const)('of a %s %s in %s', (kind, name, unit, shown) => {
    expect(prometheusName({ kind, name, unit, help: '' })).toBe(shown);
  });
});

describe('toOpenMetrics', () => {
  const text = [
    '# HELP a_seconds_total Said "so", with a \\\\ and a \\n',
    '# TYPE a_seconds_total counter',
    'a_seconds_total{of="# TYPE b_total counter"} 1.5',
    'a_seconds_total{of="a_total"} 2',
    '# HELP b_total_of_all Not a counter',
    '# TYPE b_total_of_all gauge',
    'b_total_of_all NaN',
    '',
  ].join('\n');

  it('names the family of a counter without _total, its samples with it', () => {
    expect(toOpenMetrics(text)).toBe(
      [
        '# HELP a_seconds Said \\"so\\", with a \\\\ and a \\n',
        '# TYPE a_seconds counter',
        'a_seconds_total{of="# TYPE b_total counter"} 1.5',
        'a_seconds_total{of="a_total"} 2',
        '# HELP b_total_of_all Not a counter',
        '# TYPE b_total_of_all gauge',
        'b_total_of_all NaN',
        '# EOF',
        '',
      ].join('\n'),
    );
  });

  it.skipIf(!hasPromtool())('is read by Prometheus', () => {
    expect(openMetricsProblems(toOpenMetrics(text))).toBe('');
    expect(openMetricsProblems(text)).toContain('does not end with # EOF');
  });
});
