import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerError } from './errors.js';

const PATIENCE_MS = 5_000;

/** Does `work` again for some seconds while a broker refuses it for a passing reason: a leader or a coordinator that is only about to be one. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const backoff = new Backoff(20, 500);
  for (const startMs = performance.now(); ;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof BrokerError) || performance.now() - startMs > PATIENCE_MS) throw error;
      await sleep(backoff.take());
    }
  }
}

/** How long to wait before the next try: longer each time, until something succeeds. */
export class Backoff {
  private nextMs: number;

  constructor(
    private readonly firstMs = 100,
    private readonly lastMs = 5_000,
  ) {
    this.nextMs = firstMs;
  }

  /** The time to wait now, in ms: half of it by chance, so that many do not come back at once. */
  take(): number {
    const ms = this.nextMs;
    this.nextMs = Math.min(ms * 2, this.lastMs);
    return ms * (0.5 + Math.random() / 2);
  }

  succeeded(): void {
    this.nextMs = this.firstMs;
  }
}
