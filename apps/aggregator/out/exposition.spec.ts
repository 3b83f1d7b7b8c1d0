import { describe, expect, it } from 'vitest';
import { exposition, formatFor, type MetricFamily } from './exposition.js';

const family = (overrides: Partial<MetricFamily>): MetricFamily => ({
  name: 'm',
  type: 'gauge',
  help: 'Help.',
  samples: [{ value: 1 }],
  ...overrides,
});

describe('the exposition', () => {
  it('writes HELP and TYPE once and a line a sample', () => {
    const samples = [
      { labels: { gpu: '0', name: 'A' }, value: 7.64 },
      { labels: { gpu: '1', name: 'B' }, value: 0 },
    ];
    expect(exposition([family({ samples })], 'text')).toBe(
      '# HELP m Help.\n# TYPE m gauge\nm{gpu="0",name="A"} 7.64\nm{gpu="1",name="B"} 0\n',
    );
  });

  it('escapes labels and help', () => {
    const text = exposition([family({ help: 'a\\b\nc', samples: [{ labels: { l: 'q"\\\n' }, value: 1 }] })], 'text');
    expect(text).toBe('# HELP m a\\\\b\\nc\n# TYPE m gauge\nm{l="q\\"\\\\\\n"} 1\n');
  });

  it('types a counter without _total as unknown in OpenMetrics, and ends with EOF', () => {
    expect(exposition([family({ type: 'counter' })], 'openmetrics')).toBe('# HELP m Help.\n# TYPE m unknown\nm 1\n# EOF\n');
    const total = family({ name: 'm_total', type: 'counter' });
    expect(exposition([total], 'openmetrics')).toBe('# HELP m Help.\n# TYPE m counter\nm_total 1\n# EOF\n');
    expect(exposition([total], 'text')).toContain('# TYPE m_total counter');
  });

  it('writes what is not a finite number as Prometheus does', () => {
    const samples = [NaN, Infinity, -Infinity].map((value) => ({ value }));
    expect(exposition([family({ samples })], 'text')).toContain('m NaN\nm +Inf\nm -Inf\n');
  });

  it('answers OpenMetrics to those who ask for it', () => {
    expect(formatFor('application/openmetrics-text;version=1.0.0,text/plain;q=0.5')).toBe('openmetrics');
    expect(formatFor('*/*')).toBe('text');
    expect(formatFor(undefined)).toBe('text');
  });
});
