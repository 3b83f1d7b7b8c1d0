import type { Outbox } from '#libs/event-log';
import { gauge, OUTBOX_INSTRUMENTS, outboxReadings, type Instruments, type ProcessMetrics } from '#libs/process-metrics';
import type { ReadingLoop } from './reading-loop.js';

/** What this probe tells of its own work; the readings themselves are the aggregator's to tell. */
export const GPU_PROBE_INSTRUMENTS = {
  devices: gauge('inferometer.gpu_probe.devices', '{device}', 'GPUs in the last reading'),
  readingAge: gauge('inferometer.gpu_probe.reading.age', 's', 'Age of the last reading; absent before the first'),
} as const satisfies Instruments;

/** Lets the probe's own /metrics tell of its readings and of its outbox. */
export function observeGpuProbe(metrics: ProcessMetrics, loop: ReadingLoop, outbox: Outbox): void {
  metrics.observe(OUTBOX_INSTRUMENTS, outboxReadings(outbox));
  metrics.observe(GPU_PROBE_INSTRUMENTS, (tell) => {
    const { devices, lastReadingMs } = loop.state;
    tell('devices', devices);
    tell('readingAge', lastReadingMs === undefined ? undefined : (performance.now() - lastReadingMs) / 1000);
  });
}
