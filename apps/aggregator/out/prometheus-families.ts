import type { Family, HistogramSample, Sample } from '#libs/exposition';
import type { Histogram } from '../core/histograms.js';
import {
  cellsOn,
  exemplarsOn,
  prometheusNameOf,
  underscored,
  unitWordOf,
  type Metric,
  type MetricSet,
  type Told,
} from './metric-names/metric.js';

/** The metrics of some conventions, to be written for Prometheus. `told` is read while they are. A metric without a series is left out. */
export function* prometheusFamilies(sets: readonly MetricSet[], told: Told): Generator<Family, void, undefined> {
  for (const set of sets) {
    for (const metric of set.metrics) {
      const family = familyOf(metric, set, told);
      if (family) yield family;
    }
  }
}

/** Undefined where no request named its trace. */
function exemplarsOf(edges: readonly number[], histogram: Histogram): HistogramSample['exemplars'] {
  if (histogram.exemplars.length === 0) return undefined;
  const exemplars = exemplarsOn(edges, histogram);
  return exemplars.map((one) => one && { labels: { trace_id: one.traceId }, value: one.value, timestampMs: one.timestampMs });
}

function familyOf(metric: Metric, set: MetricSet, told: Told): Family | undefined {
  const names = set.isDotted ? metric.labels.map(underscored) : metric.labels;
  const head = { name: prometheusNameOf(metric, set), help: metric.help, unit: unitWordOf(metric) };
  if (metric.type === 'histogram') {
    const { edges } = metric;
    const samples = Array.from(metric.read(told), ([labels, histogram]): HistogramSample => {
      return {
        labels: told.labels.of(names, labels),
        cells: cellsOn(edges, histogram),
        sum: histogram.sum,
        // Only asked for in OpenMetrics, and when the sample's turn comes.
        get exemplars() {
          return exemplarsOf(edges, histogram);
        },
      };
    });
    return samples.length > 0 ? { head: { ...head, type: metric.type }, edges, samples } : undefined;
  }
  const samples: Sample[] = [];
  for (const [labels, value] of metric.read(told)) if (value !== undefined) samples.push({ labels: told.labels.of(names, labels), value });
  const type = metric.type === 'counter' ? metric.type : 'gauge';
  return samples.length > 0 ? { head: { ...head, type }, samples } : undefined;
}
