import 'reflect-metadata';
import { onEventLog } from '#libs/event-log';
import { runMain } from '#libs/runtime';
import { startAggregator } from './app.js';
import { aggregatorSettings } from './settings.js';

await runMain({
  name: 'aggregator',
  about: 'folds the event stream into one truth for the fleet, and answers with it',
  settings: aggregatorSettings,
  start: (settings, logger) => onEventLog(settings.eventLog, (log) => startAggregator(settings, log, logger)),
});
