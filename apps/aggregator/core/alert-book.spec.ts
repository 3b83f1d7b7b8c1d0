import { describe, expect, it } from 'vitest';
import { AlertBook } from './alert-book.js';
import { ALERT_RULES, type AlertInputs } from './alert-rules.js';
import { alertWording } from './alert-wording.js';

const CALM: AlertInputs = {
  waiting: 0,
  ttftP95Seconds: undefined,
  errorRatePercent: 0,
  gpuMemoryPercent: undefined,
  gpuAgeSeconds: 0,
  gatewaySilenceSeconds: 0,
  lagSeconds: 0,
  isViewStale: false,
};

const book = (rules = ALERT_RULES, locale: 'en' | 'zh' = 'en') => new AlertBook(rules, alertWording(locale), 0);
const stateOf = (alerts: AlertBook, name: string) => alerts.all().find((alert) => alert.name === name)?.state;

describe('built-in alerts', () => {
  it.each([
    ['queue_too_long', 'warning', { waiting: 6 }, { waiting: 5 }],
    ['ttft_high', 'warning', { ttftP95Seconds: 3.01 }, { ttftP95Seconds: 3 }],
    ['error_rate_high', 'critical', { errorRatePercent: 10.1 }, { errorRatePercent: 10 }],
    ['gpu_memory_high', 'warning', { gpuMemoryPercent: 90.1 }, { gpuMemoryPercent: 90 }],
    ['pipeline_blind', 'critical', { gatewaySilenceSeconds: 15.1 }, { gatewaySilenceSeconds: 15 }],
    ['pipeline_blind', 'critical', { lagSeconds: 30.1 }, { lagSeconds: 30 }],
  ] as const)('%s (%s) fires above its limit, not at it, and resolves', (name, level, above, at) => {
    const alerts = book();
    alerts.evaluate({ ...CALM, ...at }, 1000);
    expect(alerts.firing()).toEqual([]);
    const changed = alerts.evaluate({ ...CALM, ...above }, 2000);
    const itself = { name, level, state: 'firing', since: '1970-01-01T00:00:02.000Z' };
    expect(changed.find((alert) => alert.name === name)).toMatchObject(itself);
    expect(alerts.evaluate({ ...CALM, ...above }, 3000)).toEqual([]);
    alerts.evaluate({ ...CALM, ...at }, 4000);
    expect(stateOf(alerts, name)).toBe('resolved');
    alerts.evaluate(CALM, 4000 + 900_000);
    expect(stateOf(alerts, name)).toBe('inactive');
  });

  it('wait for their duration without a break', () => {
    const alerts = book(ALERT_RULES.map((rule) => ({ ...rule, forMs: 5000 })));
    const high = { ...CALM, waiting: 9 };
    alerts.evaluate(high, 1000);
    expect(stateOf(alerts, 'queue_too_long')).toBe('pending');
    alerts.evaluate(CALM, 3000);
    expect(stateOf(alerts, 'queue_too_long')).toBe('inactive');
    alerts.evaluate(high, 4000);
    alerts.evaluate(high, 8999);
    expect(stateOf(alerts, 'queue_too_long')).toBe('pending');
    alerts.evaluate(high, 9000);
    expect(stateOf(alerts, 'queue_too_long')).toBe('firing');
  });

  it.each([
    ['the view is too old', { isViewStale: true, gatewaySilenceSeconds: 12 }, 'inactive', 'unknown'],
    ['no gateway is heard of', { gatewaySilenceSeconds: 16 }, 'firing', 'inactive'],
    ['a partition is not read', { lagSeconds: 31 }, 'firing', 'inactive'],
    ['the view is too old by far', { isViewStale: true, gatewaySilenceSeconds: 16 }, 'firing', 'unknown'],
    ['no GPU is read', { gpuAgeSeconds: 16, gpuMemoryPercent: 95 }, 'inactive', 'unknown'],
  ] as const)('say unknown, never green, while %s', (_what, inputs, blind, gpu) => {
    const alerts = book();
    alerts.evaluate({ ...CALM, waiting: 9, ...inputs }, 1000);
    const requests = blind === 'firing' || 'isViewStale' in inputs ? 'unknown' : 'firing';
    expect(stateOf(alerts, 'queue_too_long')).toBe(requests);
    expect(stateOf(alerts, 'ttft_high')).toBe(requests === 'unknown' ? 'unknown' : 'inactive');
    expect(stateOf(alerts, 'pipeline_blind')).toBe(blind);
    expect(stateOf(alerts, 'gpu_memory_high')).toBe(gpu);
    alerts.evaluate(CALM, 2000);
    expect(alerts.firing()).toEqual([]);
  });

  it('speak English and Chinese', () => {
    const messages = (['en', 'zh'] as const).map((locale) => {
      const alerts = book(ALERT_RULES, locale);
      alerts.evaluate({ ...CALM, waiting: 7 }, 0);
      return alerts.firing()[0]?.message;
    });
    expect(messages).toEqual(['Queue too long: 7 requests waiting (limit 5)', '队列过长: 7 个请求等待中 (阈值 5)']);
  });
});
