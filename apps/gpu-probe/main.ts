import 'reflect-metadata';
import { onEventLog } from '#libs/event-log';
import { runMain } from '#libs/runtime';
import { startGpuProbe } from './app.js';
import { gpuProbeSettings } from './settings.js';

await runMain({
  name: 'gpu-probe',
  about: 'reads the GPUs of this machine and sends their readings to the event log',
  settings: gpuProbeSettings,
  start: (settings, logger) => onEventLog(settings.eventLog, (log) => startGpuProbe(settings, log, logger)),
});
