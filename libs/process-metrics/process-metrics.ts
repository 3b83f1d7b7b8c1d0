import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { ExpositionFormat } from '#libs/exposition';
import { VERSION, type Logger } from '#libs/runtime';
import { PROCESS_INSTRUMENTS, type Instruments } from './instruments.js';
import { LoopWatch } from './loop-watch.js';
import { Observations, type ReadValues } from './observations.js';
import { processReadings } from './process-readings.js';
import { toOpenMetrics, withUnitNames } from './prometheus-text.js';

/** Longest wait for a value that is asked from elsewhere: less than a scraper waits by default. */
const READ_TIMEOUT_MS = 2_000;

/** What one app tells of its own process: see `PROCESS_INSTRUMENTS`, and whatever the app adds. Read for each scrape; idle otherwise. */
export class ProcessMetrics {
  private readonly observations = new Observations();
  private readonly exporter = new PrometheusExporter({ preventServerStart: true, metricProducers: [this.observations] });
  private readonly provider = new MeterProvider({ readers: [this.exporter] });
  private readonly serializer = new PrometheusSerializer('', false, undefined, true, true);
  private readonly loop = LoopWatch.acquire();
  private readonly rendering = new Map<ExpositionFormat, Promise<string>>();
  private readonly told = new Set<string>();

  constructor(
    app: string,
    private readonly logger: Pick<Logger, 'warn'>,
  ) {
    this.observe(PROCESS_INSTRUMENTS, processReadings(app, VERSION, this.loop));
  }

  /**
   * Adds instruments, and what reads all of them together. A name must be added once. If the reading fails or takes more than 2 s, that scrape is
   * without them, and the cause is logged once.
   */
  observe<Key extends string>(instruments: Instruments<Key>, read: ReadValues<Key>): void {
    this.observations.add(instruments, read);
  }

  /** The text for one scrape. Scrapes that come while one is being written get the same text. */
  render(format: ExpositionFormat): Promise<string> {
    const running = this.rendering.get(format);
    if (running) return running;
    const started = this.write(format).finally(() => this.rendering.delete(format));
    this.rendering.set(format, started);
    return started;
  }

  /** Releases what watches the process. Nothing can be rendered afterwards. */
  async close(): Promise<void> {
    this.loop.release();
    await this.provider.shutdown();
  }

  private async write(format: ExpositionFormat): Promise<string> {
    const { resourceMetrics, errors } = await this.exporter.collect({ timeoutMillis: READ_TIMEOUT_MS });
    for (const error of errors) this.tellOnce(`a metric of this process cannot be read: ${String(error)}`);
    const text = this.serializer.serialize(withUnitNames(resourceMetrics));
    return format === 'openmetrics' ? toOpenMetrics(text) : text;
  }

  private tellOnce(message: string): void {
    if (this.told.has(message)) return;
    this.told.add(message);
    this.logger.warn(message);
  }
}
