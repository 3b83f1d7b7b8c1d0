import { performance } from 'node:perf_hooks';
import { afterAnswer, NOT_CONNECTED } from '../core/connection.js';
import { layout, type View } from '../core/layout.js';
import type { MetricsClient } from '../out/metrics-client.js';
import type { Screen } from '../out/screen.js';
import { poll } from './poller.js';

/** Ages are shown in whole seconds. */
const REDRAW_MS = 1_000;

export interface LiveOptions {
  readonly view: Omit<View, 'connection'>;
  readonly intervalMs: number;
}

/** Keeps a screen up to date. */
export class Live {
  private connection = NOT_CONNECTED;
  private redraw: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: LiveOptions,
    private readonly client: MetricsClient,
    private readonly screen: Screen,
  ) {}

  /** Resolves when `signal` is aborted. A screen that cannot replace a frame gets one for each answer. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.screen.replaces) this.draw();
    try {
      await poll(
        (stop) => this.client.fetch(stop),
        this.options.intervalMs,
        (answer) => {
          this.connection = afterAnswer(this.connection, answer, performance.now());
          this.draw();
        },
        signal,
      );
    } finally {
      clearTimeout(this.redraw);
    }
  }

  /** Draws now, and again when the ages have grown by a second. */
  draw(): void {
    const { connection, screen } = this;
    screen.show(layout({ ...this.options.view, connection }, performance.now(), screen.size()));
    clearTimeout(this.redraw);
    if (screen.replaces) this.redraw = setTimeout(() => this.draw(), REDRAW_MS);
  }
}
