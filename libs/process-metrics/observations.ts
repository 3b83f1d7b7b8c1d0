import { ValueType, type HrTime } from '@opentelemetry/api';
import { emptyResource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  type CollectionResult,
  type DataPoint,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import type { Instrument, Instruments } from './instruments.js';

export type Labels = Readonly<Record<string, string>>;

/** Tells one value. What is not known yet (`undefined`) is left out. */
export type Tell<Key extends string> = (instrument: Key, value: number | undefined, labels?: Labels) => void;
/** Tells the values of some instruments as they are now. It is called for each scrape, and may fail. */
export type ReadValues<Key extends string> = (tell: Tell<Key>) => void | Promise<void>;

/** Instruments, and what reads all of them together. */
export interface Source {
  readonly instruments: Instruments;
  readonly read: ReadValues<string>;
}
type Points = Map<Instrument, DataPoint<number>[]>;

const SCOPE = { name: 'inferometer' };

/**
 * Reads instruments anew for each collection. Not through a meter's observable instruments: in the JavaScript SDK these show a label set for
 * ever once it has been seen, here a partition that moved to another process, and no more than 2,000 of them.
 */
export class Observations implements MetricProducer {
  private readonly startTime = hrTimeOf(performance.timeOrigin);

  /** More may be added to `sources` later. */
  constructor(private readonly sources: readonly Source[]) {}

  /** Never rejects: values that cannot be read within the time are missing, and their errors are told. */
  async collect(options: { timeoutMillis?: number } = {}): Promise<CollectionResult> {
    const results = await Promise.all(this.sources.map((source) => this.read(source, options.timeoutMillis)));
    const metrics = results.flatMap(({ points }) => [...points].map(([instrument, dataPoints]) => metricData(instrument, dataPoints)));
    const errors = results.flatMap(({ error }) => (error === undefined ? [] : [error]));
    return { resourceMetrics: { resource: emptyResource(), scopeMetrics: [{ scope: SCOPE, metrics }] }, errors };
  }

  private async read({ instruments, read }: Source, timeoutMs: number | undefined): Promise<{ points: Points; error?: unknown }> {
    const points: Points = new Map();
    const endTime = hrTimeOf(Date.now());
    try {
      const reading = read((key, value, labels = {}) => {
        const instrument = instruments[key];
        if (!instrument || value === undefined) return;
        const point = { startTime: this.startTime, endTime, attributes: { ...labels }, value };
        const others = points.get(instrument);
        if (others) others.push(point);
        else points.set(instrument, [point]);
      });
      if (reading) await within(reading, timeoutMs);
      return { points };
    } catch (error) {
      return { points: new Map(), error };
    }
  }
}

function metricData({ name, kind, unit, help }: Instrument, dataPoints: DataPoint<number>[]): MetricData {
  const data = {
    descriptor: { name, unit, description: help, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPoints,
  };
  return kind === 'counter'
    ? { ...data, dataPointType: DataPointType.SUM, isMonotonic: true }
    : { ...data, dataPointType: DataPointType.GAUGE };
}

async function within(work: Promise<void>, timeoutMs: number | undefined): Promise<void> {
  if (timeoutMs === undefined) return work;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`not read within ${timeoutMs} ms`)), timeoutMs);
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function hrTimeOf(unixMs: number): HrTime {
  const seconds = Math.trunc(unixMs / 1000);
  return [seconds, Math.round((unixMs - seconds * 1000) * 1e6)];
}
