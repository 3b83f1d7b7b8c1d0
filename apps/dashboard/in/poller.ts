import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from '../core/answer.js';
import { retryDelayMs } from '../core/connection.js';

/** Something that can be asked again and again. Never rejects. */
export type Ask = (signal: AbortSignal) => Promise<Answer>;

/**
 * Asks once in `intervalMs`, one question at a time, and more rarely while there is no answer (never less than every 5 s).
 * Resolves when `signal` is aborted; `handle` is not called after that.
 */
export async function poll(ask: Ask, intervalMs: number, handle: (answer: Answer) => void, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const askedAtMs = performance.now();
    const answer = await ask(signal);
    if (signal.aborted) return;
    handle(answer);
    failures = answer.ok ? 0 : failures + 1;
    const delayMs = answer.ok ? askedAtMs + intervalMs - performance.now() : retryDelayMs(failures, intervalMs);
    await sleep(Math.max(0, delayMs), undefined, { signal }).catch(() => undefined);
  }
}
