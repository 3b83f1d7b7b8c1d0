import { randomUUID } from 'node:crypto';
import type { EventLog } from '#libs/event-log';
import { ProcessMetrics } from '#libs/process-metrics';
import { startHttpApp, type Logger, type RunningApp } from '#libs/runtime';
import { AggregatorModule } from './aggregator.module.js';
import { FleetView } from './core/fleet-view.js';
import { Aggregation } from './in/aggregation.js';
import { observeAggregator } from './in/instruments.js';
import { FleetAnswers } from './out/fleet-answers.js';
import type { AggregatorSettings } from './settings.js';

/**
 * Starts one aggregator on an open log, whether or not that can be reached now. Resolves when the log was read, or it is clear that this
 * takes longer: until then the app answers that it is not ready. What the operator must mend ends it: see `failed`.
 * Whoever opened the log closes it, after `drain`.
 */
export async function startAggregator(
  settings: AggregatorSettings,
  log: EventLog,
  logger: Logger,
): Promise<RunningApp & { readonly url: string }> {
  const answers = new FleetAnswers(new FleetView(settings.labels), settings.locale);
  const aggregation = new Aggregation(log, settings, answers, logger, randomUUID());
  const metrics = new ProcessMetrics('aggregator', logger);
  observeAggregator(metrics, aggregation, answers);
  const module = AggregatorModule.of({ aggregation, answers, metrics, apiToken: settings.apiToken, logger });
  const { nest, url } = await startHttpApp({ module, host: settings.host, port: settings.port, logger });
  logger.info(`listening on ${url}`);
  await Promise.race([aggregation.start(), aggregation.held]);
  return {
    url,
    failed: aggregation.failed,
    drain: async () => {
      await nest.close();
      await aggregation.close();
    },
  };
}
