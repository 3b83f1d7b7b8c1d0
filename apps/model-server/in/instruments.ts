import { counter, gauge, type Instruments, type ProcessMetrics } from '#libs/process-metrics';
import type { Engine } from './engine.js';

/** What the simulated server tells of its answers. */
export const MODEL_SERVER_INSTRUMENTS = {
  running: gauge('inferometer.model_server.requests.running', '{request}', 'Requests that are being answered'),
  ended: counter('inferometer.model_server.requests.ended', '{request}', 'Requests that have ended', 'outcome'),
} as const satisfies Instruments;

/** Lets the server's /metrics tell of its answers. */
export function observeEngine(metrics: ProcessMetrics, engine: Engine): void {
  metrics.observe(MODEL_SERVER_INSTRUMENTS, (tell) => {
    const { running, finished, aborted, faulted } = engine.stats();
    tell('running', running);
    for (const [outcome, count] of Object.entries({ finished, aborted, faulted })) tell('ended', count, { outcome });
  });
}
