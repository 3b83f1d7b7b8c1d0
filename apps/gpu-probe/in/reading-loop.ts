import type { GpuReading } from '#libs/contracts';
import type { Logger } from '#libs/runtime';
import type { GpuReader } from './gpu-reader.js';

export interface ReadingLoopOptions {
  readonly intervalMs: number;
  /** How long a source that gave nothing is left alone. */
  readonly lookAgainMs?: number;
  /** True if the operator named the source, so that its silence is a fault, not the absence of a GPU. */
  readonly isExpected: boolean;
}

/** What a health page says of the loop. Absent is unknown. */
export interface LoopState {
  readonly devices: number;
  readonly lastReadingMs?: number;
  readonly problem?: string;
}

const LOOK_AGAIN_MS = 30_000;

/** Reads again and again and hands the readings on; reads never overlap. A failure is logged once and looked at again later. */
export class ReadingLoop {
  private timer: NodeJS.Timeout | undefined;
  private reading: Promise<void> = Promise.resolve();
  private stopped = false;
  private current: LoopState = { devices: 0 };
  private hasRead = false;

  constructor(
    private readonly reader: GpuReader,
    private readonly publish: (readings: readonly GpuReading[]) => void,
    private readonly logger: Logger,
    private readonly options: ReadingLoopOptions,
  ) {}

  /** `lastReadingMs` is on the clock of `performance.now()`. */
  get state(): LoopState {
    return this.current;
  }

  start(): void {
    this.reading = this.turn();
  }

  /** Resolves when the read in hand is over; nothing is published afterwards. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.reading;
  }

  private async turn(): Promise<void> {
    const startMs = performance.now();
    const isThere = await this.readOnce();
    if (this.stopped) return;
    const wait = isThere ? this.options.intervalMs : (this.options.lookAgainMs ?? LOOK_AGAIN_MS);
    this.timer = setTimeout(() => this.start(), Math.max(0, startMs + wait - performance.now()));
  }

  /** True if there was something to read. */
  private async readOnce(): Promise<boolean> {
    try {
      const readings = await this.reader.read();
      if (this.stopped) return false;
      if (readings.length === 0) return this.absent('no GPU found');
      this.publish(readings);
      this.present(readings.length);
      return true;
    } catch (error) {
      return this.absent(error instanceof Error ? error.message : String(error));
    }
  }

  private present(devices: number): void {
    if (this.current.devices !== devices) this.logger.info(`reading ${devices} GPU${devices === 1 ? '' : 's'}`);
    this.current = { devices, lastReadingMs: performance.now() };
    this.hasRead = true;
  }

  private absent(problem: string): false {
    const isNews = this.current.problem !== problem;
    this.current = { ...this.current, devices: 0, problem };
    if (!isNews) return false;
    const text = `${problem}; looked for again every ${(this.options.lookAgainMs ?? LOOK_AGAIN_MS) / 1000} s`;
    if (this.hasRead || this.options.isExpected) this.logger.warn(text);
    else this.logger.info(text);
    return false;
  }
}
