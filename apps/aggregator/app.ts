import { randomUUID } from 'node:crypto';
import type { EventLog } from '#libs/event-log';
import { startHttpApp, type Logger, type RunningApp } from '#libs/runtime';
import { AggregatorModule } from './aggregator.module.js';
import { FleetView } from './core/fleet-view.js';
import { Aggregation } from './in/aggregation.js';
import { FleetAnswers } from './out/fleet-answers.js';
import type { AggregatorSettings } from './settings.js';

/** Starts one aggregator on an open log whose topics exist. Whoever opened the log closes it, after `drain`. */
export async function startAggregator(
  settings: AggregatorSettings,
  log: EventLog,
  logger: Logger,
): Promise<RunningApp & { readonly url: string }> {
  const answers = new FleetAnswers(new FleetView(settings.labels), settings.locale);
  const aggregation = new Aggregation(log, settings, answers, logger, randomUUID());
  const module = AggregatorModule.of(aggregation, answers, settings.apiToken, logger);
  // Not before the view holds what was published earlier: else the first answers would run counters backwards.
  await aggregation.start();
  const { nest, url } = await startHttpApp({ module, host: settings.host, port: settings.port, logger }).catch(async (error: unknown) => {
    await aggregation.close();
    throw error;
  });
  logger.info(`listening on ${url}`);
  return {
    url,
    failed: aggregation.failed,
    drain: async () => {
      await nest.close();
      await aggregation.close();
    },
  };
}
