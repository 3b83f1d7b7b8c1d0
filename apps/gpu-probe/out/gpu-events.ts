import type { GpuReading } from '#libs/contracts';
import type { Outbox } from '#libs/event-log';

/** Offers every reading to the event log, keyed by host and device. Never blocks, never throws. */
export function publishReadings(outbox: Outbox, readings: readonly GpuReading[]): void {
  for (const reading of readings) outbox.offer('io.inferometer.gpu.read.v1', `${reading.host}/${reading.uuid}`, reading, reading.uuid);
}
