import type { AppProcess } from './processes.js';

const EVERY_MS = 200;

/** Watches the answers of one aggregator while things happen to its fleet. */
export class Observer {
  /** Counters that ran backwards, one line each. */
  readonly setbacks: string[] = [];
  scrapes = 0;
  /** The longest time in which the number of requests did not grow, in ms. */
  longestPauseMs = 0;
  private readonly before = new Map<string, number>();
  private lastTotal = -1;
  private grewAtMs = performance.now();
  private timer: NodeJS.Timeout | undefined;
  private readonly aggregator: AppProcess;

  private constructor(aggregator: AppProcess) {
    this.aggregator = aggregator;
  }

  static of(aggregator: AppProcess): Observer {
    const observer = new Observer(aggregator);
    observer.plan();
    return observer;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private plan(): void {
    this.timer = setTimeout(() => void this.look(), EVERY_MS);
  }

  private async look(): Promise<void> {
    const answer = await this.aggregator.get('/metrics/prometheus').catch(() => undefined);
    if (!this.timer) return;
    if (answer?.status === 200) this.compare(countersIn(answer.body));
    const paused = performance.now() - this.grewAtMs;
    this.longestPauseMs = Math.max(this.longestPauseMs, paused);
    this.plan();
  }

  private compare(counters: ReadonlyMap<string, number>): void {
    this.scrapes += 1;
    for (const [series, value] of counters) {
      const before = this.before.get(series) ?? 0;
      if (value < before) this.setbacks.push(`scrape ${this.scrapes}: ${series} fell from ${before} to ${value}`);
      this.before.set(series, value);
    }
    for (const series of this.before.keys()) if (!counters.has(series)) this.setbacks.push(`scrape ${this.scrapes}: ${series} is gone`);
    const total = counters.get('vllm_total_requests') ?? 0;
    if (total > this.lastTotal) this.grewAtMs = performance.now();
    this.lastTotal = total;
  }
}

/** Every sample of a counter or a histogram in a Prometheus text, by its name with its labels. */
export function countersIn(text: string): ReadonlyMap<string, number> {
  const counters = new Map<string, number>();
  let isCounting = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('# TYPE ')) isCounting = /(counter|histogram)$/.test(line);
    if (line.startsWith('#') || line === '' || !isCounting) continue;
    const space = line.lastIndexOf(' ');
    counters.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return counters;
}
