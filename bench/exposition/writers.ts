import { ValueType, type HrTime } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { emptyResource } from '@opentelemetry/resources';
import { AggregationTemporality, DataPointType, type HistogramMetricData } from '@opentelemetry/sdk-metrics';
import { Histogram, Registry } from 'prom-client';
import { LabelSet, render, type Family } from '#libs/exposition';
import { valueIn, type Histograms } from './contents.js';

/** Writes one scrape, with everything already in memory as that library keeps it; in slices, if it can. */
export type Scrape = (options?: { readonly sliceMs: number }) => Promise<Buffer>;

export type WriterName = 'libs/exposition' | 'OpenTelemetry PrometheusSerializer' | 'prom-client';

export const WRITERS: Readonly<Record<WriterName, (contents: readonly Histograms[]) => Scrape>> = {
  'libs/exposition': (contents) => {
    const families = familiesOf(contents);
    return (options) => render(families, 'openmetrics', options);
  },
  'OpenTelemetry PrometheusSerializer': (contents) => {
    const serializer = new PrometheusSerializer('', false, undefined, true, true);
    const metrics = contents.map(metricData);
    const resourceMetrics = { resource: emptyResource(), scopeMetrics: [{ scope: { name: 'bench' }, metrics }] };
    return () => Promise.resolve(Buffer.from(serializer.serialize(resourceMetrics)));
  },
  'prom-client': (contents) => {
    const registry = new Registry();
    for (const histogram of contents) observe(histogram, registry);
    return async () => Buffer.from(await registry.metrics());
  },
};

export function familiesOf(contents: readonly Histograms[]): readonly Family[] {
  return contents.map(({ name, help, edges, series }) => ({
    head: { name, type: 'histogram', help, unit: 'seconds' },
    edges,
    samples: series.map(({ labels, cells, sum }) => ({ labels: new LabelSet(labels), cells, sum })),
  }));
}

function metricData({ name, help, edges, series }: Histograms): HistogramMetricData {
  const time: HrTime = [1_700_000_000, 0];
  return {
    descriptor: { name, description: help, unit: '', valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints: series.map(({ labels, cells, sum }) => {
      const count = cells.reduce((total, inCell) => total + inCell, 0);
      const value = { buckets: { boundaries: [...edges], counts: [...cells] }, sum, count };
      return { startTime: time, endTime: time, attributes: labels, value };
    }),
  };
}

/** Prom-client takes its counts only one by one. */
function observe({ name, help, edges, series }: Histograms, registry: Registry): void {
  const buckets = [...edges];
  const histogram = new Histogram({ name, help, buckets, labelNames: ['model_name', 'engine'], registers: [registry] });
  for (const { labels, cells } of series) {
    const child = histogram.labels(labels);
    for (const [cell, count] of cells.entries()) for (let seen = 0; seen < count; seen += 1) child.observe(valueIn(cell));
  }
}
