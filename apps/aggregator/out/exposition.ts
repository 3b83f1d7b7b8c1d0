export type MetricType = 'counter' | 'gauge';

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricFamily {
  /** As it stands in the text, suffixes included. */
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly samples: readonly Sample[];
}

export type ExpositionFormat = 'text' | 'openmetrics';
export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** OpenMetrics if the client names it in `Accept`, as Prometheus does; else the text format. */
export function formatFor(accept: string | undefined): ExpositionFormat {
  return accept?.includes('application/openmetrics-text') ? 'openmetrics' : 'text';
}

/** Writes families in Prometheus's text format 0.0.4 or in OpenMetrics 1.0. */
export function exposition(families: readonly MetricFamily[], format: ExpositionFormat): string {
  const lines = families.flatMap((family) => familyLines(family, format));
  if (format === 'openmetrics') lines.push('# EOF');
  return `${lines.join('\n')}\n`;
}

function familyLines({ name, type, help, samples }: MetricFamily, format: ExpositionFormat): string[] {
  const [family, shownType] = format === 'openmetrics' ? openMetricsNaming(name, type) : [name, type];
  const escapedHelp = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  const lines = samples.map(({ labels, value }) => `${name}${labelText(labels)} ${numberText(value)}`);
  return [`# HELP ${family} ${escapedHelp}`, `# TYPE ${family} ${shownType}`, ...lines];
}

/** In OpenMetrics a counter's sample ends in `_total` and its family does not; any other counter can only be `unknown`. */
function openMetricsNaming(name: string, type: MetricType): readonly [string, string] {
  if (type !== 'counter') return [name, type];
  return name.endsWith('_total') ? [name.slice(0, -'_total'.length), type] : [name, 'unknown'];
}

function labelText(labels: Sample['labels']): string {
  if (!labels) return '';
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
}

function escapeLabel(value: string): string {
  return value
    .toWellFormed()
    .replaceAll('\\', '\\\\')
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}
