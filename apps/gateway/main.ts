import 'reflect-metadata';
import { onEventLog } from '#libs/event-log';
import { runMain } from '#libs/runtime';
import { startGateway } from './app.js';
import { gatewaySettings } from './settings.js';

await runMain({
  name: 'gateway',
  about: 'stands in front of an OpenAI-compatible server and tells the event log of every request',
  settings: gatewaySettings,
  start: (settings, logger) =>
    onEventLog(settings.eventLog, async (log) => {
      const gateway = await startGateway(settings, log, logger);
      // Without a file to read anew the signal ends the process, as it does elsewhere.
      if (settings.limitsFile !== undefined) process.on('SIGHUP', () => gateway.reload());
      return gateway;
    }),
});
