import 'reflect-metadata';
import { topicsOf } from '#libs/contracts';
import { openEventLog } from '#libs/event-log';
import { runMain } from '#libs/runtime';
import { startGpuProbe } from './app.js';
import { gpuProbeSettings } from './settings.js';

await runMain({
  name: 'gpu-probe',
  about: 'reads the GPUs of this machine and sends their readings to the event log',
  settings: gpuProbeSettings,
  start: async (settings, logger) => {
    const log = await openEventLog(settings.eventLog.url);
    await log.ensureTopics(Object.values(topicsOf(settings.eventLog.topicPrefix)));
    const probe = await startGpuProbe(settings, log, logger);
    return {
      drain: async () => {
        await probe.drain();
        await log.close();
      },
    };
  },
});
