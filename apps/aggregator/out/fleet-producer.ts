import { ValueType, type HrTime } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  type CollectionResult,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import { VERSION } from '#libs/runtime';
import type { FleetTelling } from './fleet-telling.js';
import { cellsOn, labelsOf, type HistogramMetric, type Metric, type Told, type ValueMetric } from './metric-names/metric.js';

/** What every point of a collection has in common. */
interface Span {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

/**
 * The fleet's metrics for any reader of OpenTelemetry's SDK: the same numbers as in the text for Prometheus, under the names of their
 * conventions. Their time is the event log's, so that every replica tells of the same series.
 */
export class FleetProducer implements MetricProducer {
  constructor(
    private readonly telling: FleetTelling,
    private readonly resource: Resource,
  ) {}

  /** Never rejects. */
  async collect(): Promise<CollectionResult> {
    const { told } = await this.telling.now();
    const { firstTimeMs, logTimeMs } = told.metrics.clock;
    const span = { startTime: hrTimeOf(firstTimeMs), endTime: hrTimeOf(logTimeMs) };
    const scopeMetrics = this.telling.sets.map(({ title, metrics }) => ({
      scope: { name: `inferometer: ${title.replaceAll(/[`’]/g, '')}`, version: VERSION },
      metrics: metrics.map((metric) => metricData(metric, told, span)).filter(({ dataPoints }) => dataPoints.length > 0),
    }));
    return { resourceMetrics: { resource: this.resource, scopeMetrics }, errors: [] };
  }
}

function metricData(metric: Metric, told: Told, span: Span): MetricData {
  return metric.type === 'histogram' ? histogramData(metric, told, span) : valueData(metric, told, span);
}

function histogramData(metric: HistogramMetric, told: Told, span: Span): MetricData {
  const dataPoints = Array.from(metric.read(told), ([labels, histogram]) => {
    const buckets = { boundaries: [...metric.edges], counts: [...cellsOn(metric.edges, histogram)] };
    return { ...span, attributes: labelsOf(metric.labels, labels), value: { buckets, sum: histogram.sum, count: histogram.count } };
  });
  return { ...commonOf(metric), dataPointType: DataPointType.HISTOGRAM, dataPoints };
}

function valueData(metric: ValueMetric, told: Told, span: Span): MetricData {
  const dataPoints = [];
  for (const [labels, value] of metric.read(told)) {
    if (value !== undefined) dataPoints.push({ ...span, attributes: labelsOf(metric.labels, labels), value });
  }
  if (metric.type === 'gauge') return { ...commonOf(metric), dataPointType: DataPointType.GAUGE, dataPoints };
  return { ...commonOf(metric), dataPointType: DataPointType.SUM, isMonotonic: metric.type === 'counter', dataPoints };
}

function commonOf({ name, unit, help }: Metric) {
  const descriptor = { name, unit, description: help, valueType: ValueType.DOUBLE };
  return { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE };
}

function hrTimeOf(unixMs: number): HrTime {
  const seconds = Math.trunc(unixMs / 1000);
  return [seconds, Math.round((unixMs - seconds * 1000) * 1e6)];
}
