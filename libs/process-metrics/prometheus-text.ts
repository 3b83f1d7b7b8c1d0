import type { MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { Instrument } from './instruments.js';

/** Prometheus writes a unit out at the end of the name: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/ */
const UNIT_WORDS: Readonly<Record<string, string>> = { s: 'seconds', By: 'bytes', '1': 'ratio' };

/** The name under which an instrument appears in the text. */
export function prometheusName({ name, kind, unit }: Instrument): string {
  return withUnit(name, unit).replaceAll(/[^A-Za-z0-9_]+/g, '_') + (kind === 'counter' ? '_total' : '');
}

function withUnit(name: string, unit: string): string {
  const word = UNIT_WORDS[unit];
  return word === undefined || name.endsWith(word) ? name : `${name}.${word}`;
}

/** The same metrics with their units written out in their names, as the serializer does not do. */
export function withUnitNames({ resource, scopeMetrics }: ResourceMetrics): ResourceMetrics {
  return { resource, scopeMetrics: scopeMetrics.map((of) => ({ scope: of.scope, metrics: of.metrics.map(unitNamed) })) };
}

function unitNamed(metric: MetricData): MetricData {
  const { name, unit } = metric.descriptor;
  return { ...metric, descriptor: { ...metric.descriptor, name: withUnit(name, unit), unit: '' } };
}

/**
 * Turns the serializer's text 0.0.4, of counters and gauges, into OpenMetrics 1.0: a counter's samples keep their `_total`, its family goes without;
 * quotes in help texts are escaped; the text has a mark at its end.
 */
export function toOpenMetrics(text: string): string {
  const counters = new Set([...text.matchAll(/^# TYPE (\S+)_total counter$/gm)].map(([, family]) => family));
  const lines = text.split('\n').filter((line) => line !== '');
  return [...lines.map((line) => openMetricsLine(line, counters)), '# EOF', ''].join('\n');
}

function openMetricsLine(line: string, counters: ReadonlySet<string | undefined>): string {
  const [, word, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
  if (word === undefined) return line;
  const family = name.replace(/_total$/, '');
  return `# ${word} ${counters.has(family) ? family : name} ${word === 'HELP' ? rest.replaceAll('"', String.raw`\"`) : rest}`;
}
