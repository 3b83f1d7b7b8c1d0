import { randomBytes } from 'node:crypto';
import { EventSource, topicsOf } from '#libs/contracts/writing';
import { Outbox, TopicWatch, type EventLog } from '#libs/event-log';
import { ProcessMetrics } from '#libs/process-metrics';
import { inTurn, startHttpApp, type Logger, type RunningApp } from '#libs/runtime';
import { GpuProbeModule } from './gpu-probe.module.js';
import { observeGpuProbe } from './in/instruments.js';
import { readerOf } from './in/reader-of.js';
import { ReadingLoop } from './in/reading-loop.js';
import { publishReadings } from './out/gpu-events.js';
import type { GpuProbeSettings } from './settings.js';

/**
 * Readings that wait in memory while the log is away: hours of one device. Beyond that the newest are dropped, as for any outbox: the numbers then
 * show one gap, and a fresh reading follows within an interval of the log's return.
 */
const CAPACITY = 20_000;

/** Starts the probe. It reads and serves whatever the log does: topics are prepared in the background. Rejects with StartError if its address cannot be bound. */
export async function startGpuProbe(settings: GpuProbeSettings, log: EventLog, logger: Logger): Promise<RunningApp & { url: string }> {
  const topics = topicsOf(settings.eventLog.topicPrefix);
  const outbox = openOutbox(settings, log);
  const watch = new TopicWatch(log, { all: Object.values(topics), target: topics.gpus.name }, outbox, logger);
  const { source, intervalMs, host, port } = settings;
  const isExpected = source !== 'auto';
  const loop = new ReadingLoop(readerOf(settings), (readings) => publishReadings(outbox, readings), logger, { intervalMs, isExpected });
  const metrics = new ProcessMetrics('gpu-probe', logger);
  observeGpuProbe(metrics, loop, outbox);
  const { nest, url } = await startHttpApp({
    module: GpuProbeModule.forRoot(loop, outbox, metrics, settings.apiToken),
    host,
    port,
    logger,
  });
  watch.start();
  if (source !== 'none') loop.start();
  logger.info(`GPU probe ${settings.probeId} at ${url}, source: ${source}`);
  return {
    url,
    drain: () => inTurn([() => loop.stop(), () => watch.stop(), () => outbox.close(), () => nest.close()]),
  };
}

function openOutbox({ eventLog, probeId }: GpuProbeSettings, log: EventLog): Outbox {
  const { name, partitions } = topicsOf(eventLog.topicPrefix).gpus;
  const bootId = `${Date.now().toString(36)}-${randomBytes(6).toString('hex')}`;
  return new Outbox(log, name, partitions, new EventSource(`/probes/${probeId}`, bootId), { capacity: CAPACITY });
}
