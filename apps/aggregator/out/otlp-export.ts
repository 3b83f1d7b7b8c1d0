import { OTLPMetricExporter as JsonExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import { VERSION, type Logger } from '#libs/runtime';
import type { OtlpSettings } from '../otlp-settings.js';
import { FleetProducer } from './fleet-producer.js';
import type { FleetTelling } from './fleet-telling.js';

/** That a collector cannot be reached is said at most this often. */
const SAY_EVERY_MS = 60_000;
/** OpenTelemetry's code of success. */
const SUCCESS = 0;

/** Sends the fleet's metrics to an OpenTelemetry collector at an interval. A collector that is away costs nothing but a line a minute. */
export class OtlpExport {
  private readonly exporter: PushMetricExporter;
  private readonly producer: FleetProducer;
  private readonly timer: NodeJS.Timeout;
  private running: Promise<void> | undefined;
  private saidAtMs = -Infinity;

  /** `isOurs`: whether it is for this replica to send. All would send the same. */
  constructor(
    private readonly telling: FleetTelling,
    { url, protocol, headers, timeoutMs, intervalMs, attributes }: OtlpSettings,
    private readonly isOurs: () => boolean,
    private readonly logger: Pick<Logger, 'warn'>,
  ) {
    const options = { url, headers: { ...headers }, timeoutMillis: timeoutMs };
    this.exporter = protocol === 'http/json' ? new JsonExporter(options) : new ProtobufExporter(options);
    this.producer = new FleetProducer(telling, resourceFromAttributes({ 'service.version': VERSION, ...attributes }));
    this.timer = setInterval(() => void this.send(), intervalMs);
  }

  /** Sends once, if it is for this replica to send and the view can be believed; waits for what is being sent. Never rejects. */
  send(): Promise<void> {
    this.running ??= this.export()
      .catch((error: unknown) => this.say(error))
      .finally(() => (this.running = undefined));
    return this.running;
  }

  /** Sends nothing more. Resolves when what was being sent is done with, at its time limit at the latest. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
    await this.exporter.shutdown().catch(() => undefined);
  }

  private async export(): Promise<void> {
    const { answers } = this.telling;
    if (!this.isOurs() || answers.stale || !answers.view.isWhole) return;
    const { resourceMetrics } = await this.producer.collect();
    const { code, error } = await new Promise<{ code: number; error?: Error | undefined }>((resolve) => {
      this.exporter.export(resourceMetrics, resolve);
    });
    if (code !== SUCCESS) this.say(error);
  }

  /** The message alone: headers, which may hold a key, are not in it. */
  private say(error: unknown): void {
    if (performance.now() - this.saidAtMs < SAY_EVERY_MS) return;
    this.saidAtMs = performance.now();
    this.logger.warn(
      `metrics could not be sent by OTLP, trying on: ${error instanceof Error ? error.message : 'the collector refused them'}`,
    );
  }
}
