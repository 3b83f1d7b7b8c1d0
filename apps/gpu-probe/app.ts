import { randomBytes } from 'node:crypto';
import { EventSource, topicsOf } from '#libs/contracts';
import { Outbox, type EventLog } from '#libs/event-log';
import { startHttpApp, type Logger, type RunningApp } from '#libs/runtime';
import { GpuProbeModule } from './gpu-probe.module.js';
import type { GpuReader } from './in/gpu-reader.js';
import { NvidiaSmiReader } from './in/nvidia-smi-reader.js';
import { ReadingLoop } from './in/reading-loop.js';
import { SimulatedReader } from './in/simulated-reader.js';
import { publishReadings } from './out/gpu-events.js';
import type { GpuProbeSettings } from './settings.js';

/** Starts the probe on an open log whose topics exist. Rejects with StartError if its address cannot be bound. */
export async function startGpuProbe(settings: GpuProbeSettings, log: EventLog, logger: Logger): Promise<RunningApp & { url: string }> {
  const outbox = await openOutbox(settings, log);
  const { source, intervalMs, host, port } = settings;
  const isExpected = source !== 'auto';
  const loop = new ReadingLoop(readerOf(settings), (readings) => publishReadings(outbox, readings), logger, { intervalMs, isExpected });
  const { nest, url } = await startHttpApp({ module: GpuProbeModule.forRoot(loop, outbox), host, port, logger });
  if (source !== 'none') loop.start();
  logger.info(`GPU probe ${settings.probeId} at ${url}, source: ${source}`);
  return {
    url,
    async drain() {
      await loop.stop();
      await outbox.close();
      await nest.close();
    },
  };
}

/** `auto` is nvidia-smi, whose absence is no fault. */
function readerOf({ source, probeId }: GpuProbeSettings): GpuReader {
  return source === 'simulated' ? new SimulatedReader(probeId) : new NvidiaSmiReader(probeId);
}

async function openOutbox({ eventLog, probeId }: GpuProbeSettings, log: EventLog): Promise<Outbox> {
  const topic = topicsOf(eventLog.topicPrefix).gpus.name;
  const bootId = `${Date.now().toString(36)}-${randomBytes(6).toString('hex')}`;
  return new Outbox(log, topic, await log.partitions(topic), new EventSource(`/probes/${probeId}`, bootId));
}
