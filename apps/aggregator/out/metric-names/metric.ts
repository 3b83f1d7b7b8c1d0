import { cellOf, type AlertDocument, type MetricsDocument } from '#libs/contracts';
import { LabelSet } from '#libs/exposition';
import { newerOf, type Exemplar } from '../../core/exemplar.js';
import type { FleetMetrics } from '../../core/fleet-metrics.js';
import type { Histogram } from '../../core/histograms.js';

/** Everything that is told of the fleet at one moment. */
export interface Told {
  readonly metrics: FleetMetrics;
  /** Of the default window. */
  readonly document: MetricsDocument;
  readonly alerts: readonly AlertDocument[];
  readonly labels: LabelCache;
}

/** The values of a metric's labels, in their order. An undefined one is not there. */
export type LabelValues = readonly (string | undefined)[];
/** A number of one series; undefined is not known, and not shown. */
export type ValuePoint = readonly [labels: LabelValues, value: number | undefined];
export type HistogramPoint = readonly [labels: LabelValues, histogram: Histogram];

interface Described {
  /** As the convention has it: OpenTelemetry's with dots, those of Prometheus as they stand in the text. */
  readonly name: string;
  /** UCUM, as OpenTelemetry has it: `s`, `By`, `1`, `{request}`; `` where the name says it. */
  readonly unit: string;
  readonly labels: readonly string[];
  /** One sentence, shown as HELP. */
  readonly help: string;
  /** How it is counted, where HELP does not say it all. */
  readonly formula?: string;
}

export interface ValueMetric extends Described {
  readonly type: 'counter' | 'gauge' | 'updowncounter';
  readonly read: (told: Told) => Iterable<ValuePoint>;
}

export interface HistogramMetric extends Described {
  readonly type: 'histogram';
  /** A subset of the edges of what is read. */
  readonly edges: readonly number[];
  readonly read: (told: Told) => Iterable<HistogramPoint>;
}

/** One metric: what it is called and means, and how it is read from the fleet's numbers. */
export type Metric = ValueMetric | HistogramMetric;

/** The metrics of one convention. */
export interface MetricSet {
  readonly title: string;
  /** Where the names come from. */
  readonly source: string;
  /** Names are OpenTelemetry's: in Prometheus's text dots become underscores and units are written out. */
  readonly isDotted: boolean;
  readonly metrics: readonly Metric[];
}

/** Keeps the text of label sets from one reading to the next. */
export class LabelCache {
  private kept = new Map<string, LabelSet>();
  private used = new Map<string, LabelSet>();

  /** `names` as Prometheus has them. */
  of(names: readonly string[], values: LabelValues): LabelSet {
    const key = JSON.stringify([names, values]);
    const known = this.used.get(key) ?? this.kept.get(key) ?? new LabelSet(labelsOf(names, values));
    this.used.set(key, known);
    return known;
  }

  /** A reading begins: what the last one did not use is forgotten. */
  turn(): void {
    this.kept = this.used;
    this.used = new Map();
  }
}

/** The labels that are there. */
export function labelsOf(names: readonly string[], values: LabelValues): Record<string, string> {
  return Object.fromEntries(names.flatMap((name, index) => (values[index] === undefined ? [] : [[name, values[index]] as const])));
}

/** https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/ */
const UNIT_WORDS: Readonly<Record<string, string>> = { s: 'seconds', By: 'bytes', Cel: 'celsius', W: 'watts', J: 'joules' };

/** The word for a metric's unit at the end of its name in Prometheus; undefined where there is none. */
export function unitWordOf({ unit, type }: Metric): string | undefined {
  return unit === '1' && type === 'gauge' ? 'ratio' : UNIT_WORDS[unit];
}

/** The name of a metric in Prometheus's text, without a histogram's suffixes. */
export function prometheusNameOf(metric: Metric, { isDotted }: Pick<MetricSet, 'isDotted'>): string {
  if (!isDotted) return metric.name;
  const word = unitWordOf(metric);
  const name = underscored(metric.name);
  const withUnit = word === undefined || name.endsWith(`_${word}`) ? name : `${name}_${word}`;
  return metric.type === 'counter' ? `${withUnit}_total` : withUnit;
}

export function underscored(name: string): string {
  return name.replaceAll('.', '_');
}

/** The cells of a histogram on some of its edges. */
export function cellsOn(edges: readonly number[], histogram: Histogram): readonly number[] {
  if (edges === histogram.edges) return histogram.cells;
  const cells: number[] = [];
  let cell = 0;
  for (const edge of edges) {
    let count = 0;
    while (cell < histogram.edges.length && histogram.edges[cell]! <= edge) count += histogram.cells[cell++]!;
    cells.push(count);
  }
  let above = 0;
  while (cell < histogram.cells.length) above += histogram.cells[cell++]!;
  cells.push(above);
  return cells;
}

/** The exemplars of the same cells, at their index: of those that fall into one, the newest. */
export function exemplarsOn(edges: readonly number[], { exemplars }: Histogram): readonly (Exemplar | undefined)[] {
  const shown: (Exemplar | undefined)[] = [];
  for (const exemplar of exemplars) {
    if (!exemplar) continue;
    const cell = cellOf(edges, exemplar.value);
    shown[cell] = newerOf(shown[cell], exemplar);
  }
  return shown;
}
