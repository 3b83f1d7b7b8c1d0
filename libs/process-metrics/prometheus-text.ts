import type { MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { Instrument } from './instruments.js';

export type TextFormat = 'text' | 'openmetrics';

export const CONTENT_TYPES: Readonly<Record<TextFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** The text format 0.0.4, unless the client would rather have OpenMetrics. */
export function formatFor(accept: string | undefined): TextFormat {
  const weights = new Map<string, number>();
  for (const range of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const weight = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
    weights.set(type, Math.max(weights.get(type) ?? 0, Number.isNaN(weight) ? 0 : weight));
  }
  const openMetrics = weights.get('application/openmetrics-text') ?? 0;
  const text = weights.get('text/plain');
  const anything = Math.max(weights.get('text/*') ?? 0, weights.get('*/*') ?? 0);
  const isPreferred = text === undefined ? openMetrics >= anything : openMetrics > text;
  return openMetrics > 0 && isPreferred ? 'openmetrics' : 'text';
}

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
