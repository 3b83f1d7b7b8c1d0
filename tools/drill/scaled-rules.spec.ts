import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { scaledRules, writeScaledRules } from './scaled-rules.js';

const RULE = `
      # for: 5m [5m]
      - record: fleet:requests:rate5m
        expr: sum(rate(requests_total[5m])) / sum(rate(requests_total{a="[1h]"}[3d]))
      - alert: Slow
        expr: fleet:requests:rate5m > 1
        for: 30s
        annotations:
          summary: 'for: 5m'
`;

describe('scaledRules', () => {
  it('divides what rules wait for and their windows, and leaves names and words alone', () => {
    const scaled = scaledRules(RULE, 60);
    expect(scaled).toContain('sum(rate(requests_total[5000ms]))');
    expect(scaled).toContain('[4320000ms]');
    expect(scaled).toContain('\n        for: 500ms\n');
    expect(scaled).toContain('- record: fleet:requests:rate5m\n');
    expect(scaled).toContain("summary: 'for: 5m'");
  });

  it('keeps windows in which there are scrapes', () => {
    expect(scaledRules('rate(a[1m])', 300)).toBe('rate(a[3000ms])');
  });

  it('changes nothing at 1', () => {
    expect(scaledRules(RULE, 1)).toBe(RULE);
  });

  it('writes every shipped rule file, and takes them away again', () => {
    const { files, remove } = writeScaledRules(30);
    const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
    remove();
    expect(text).toContain('alert: VLLMHighTTFT');
    expect(text).toContain('alert: InferometerTtftHigh');
    expect(text).toContain('for: 10000ms');
    expect(text.replaceAll(/^ *#.*$/gm, '')).not.toMatch(/for: \d+[smhd]$|\[\d+[smhd]\]/m);
    expect(files.filter(existsSync)).toEqual([]);
  });
});
