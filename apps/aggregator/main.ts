import 'reflect-metadata';
import { topicsOf } from '#libs/contracts';
import { openEventLog } from '#libs/event-log';
import { runMain } from '#libs/runtime';
import { startAggregator } from './app.js';
import { aggregatorSettings } from './settings.js';

await runMain({
  name: 'aggregator',
  about: 'folds the event stream into one truth for the fleet, and answers with it',
  settings: aggregatorSettings,
  start: async (settings, logger) => {
    const log = await openEventLog(settings.eventLog.url);
    await log.ensureTopics(Object.values(topicsOf(settings.eventLog.topicPrefix)));
    const app = await startAggregator(settings, log, logger);
    return {
      ...app,
      drain: async () => {
        await app.drain();
        await log.close();
      },
    };
  },
});
