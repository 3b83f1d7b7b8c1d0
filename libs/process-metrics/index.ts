export { counter, gauge, OUTBOX_INSTRUMENTS, PROCESS_INSTRUMENTS, type Instrument, type Instruments } from './instruments.js';
export { type ReadValues, type Tell } from './observations.js';
export { outboxReadings, type OutboxFigures } from './outbox-readings.js';
export { ProcessMetrics } from './process-metrics.js';
export { ProcessMetricsModule } from './process-metrics.module.js';
export { prometheusName } from './prometheus-text.js';
