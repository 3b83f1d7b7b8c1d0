import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { ExpositionFormat } from '#libs/exposition';
import { Observations, type Source } from './observations.js';
import { toOpenMetrics, withUnitNames } from './prometheus-text.js';

/** Longest wait for a value that is asked from elsewhere: less than a scraper waits by default. */
const READ_TIMEOUT_MS = 2_000;

/** OpenTelemetry's exporter for Prometheus over our own readings. Its SDK takes some 12 MB, so it is loaded with the first scrape (see ProcessMetrics). */
export class TextExporter {
  private readonly exporter: PrometheusExporter;
  private readonly provider: MeterProvider;
  private readonly serializer = new PrometheusSerializer('', false, undefined, true, true);

  /** More may be added to `sources` later. */
  constructor(sources: readonly Source[]) {
    this.exporter = new PrometheusExporter({ preventServerStart: true, metricProducers: [new Observations(sources)] });
    this.provider = new MeterProvider({ readers: [this.exporter] });
  }

  /** The text for one scrape, and why values are missing from it. */
  async write(format: ExpositionFormat): Promise<{ readonly text: string; readonly errors: readonly unknown[] }> {
    const { resourceMetrics, errors } = await this.exporter.collect({ timeoutMillis: READ_TIMEOUT_MS });
    const text = this.serializer.serialize(withUnitNames(resourceMetrics));
    return { text: format === 'openmetrics' ? toOpenMetrics(text) : text, errors };
  }

  close(): Promise<void> {
    return this.provider.shutdown();
  }
}
