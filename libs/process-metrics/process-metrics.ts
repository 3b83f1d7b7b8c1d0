import type { ExpositionFormat } from '#libs/exposition';
import { VERSION, type Logger } from '#libs/runtime';
import { PROCESS_INSTRUMENTS, type Instruments } from './instruments.js';
import { LoopWatch } from './loop-watch.js';
import type { ReadValues, Source } from './observations.js';
import { processReadings } from './process-readings.js';
import type { TextExporter } from './text-exporter.js';

/** What one app tells of its own process: see `PROCESS_INSTRUMENTS`, and whatever the app adds. Read for each scrape; idle otherwise. */
export class ProcessMetrics {
  private readonly sources: Source[] = [];
  /** From the first scrape on. */
  private exporter: Promise<TextExporter> | undefined;
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
    this.sources.push({ instruments, read });
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
    await (await this.exporter)?.close();
  }

  private async write(format: ExpositionFormat): Promise<string> {
    this.exporter ??= loadExporter(this.sources);
    const { text, errors } = await (await this.exporter).write(format);
    for (const error of errors) this.tellOnce(`a metric of this process cannot be read: ${String(error)}`);
    return text;
  }

  private tellOnce(message: string): void {
    if (this.told.has(message)) return;
    this.told.add(message);
    this.logger.warn(message);
  }
}

/** Many processes are never scraped, and then do without the memory that OpenTelemetry's SDK takes. */
async function loadExporter(sources: readonly Source[]): Promise<TextExporter> {
  const { TextExporter: Loaded } = await import('./text-exporter.js');
  return new Loaded(sources);
}
