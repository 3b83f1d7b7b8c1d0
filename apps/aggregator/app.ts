import { randomUUID } from 'node:crypto';
import type { EventLog } from '#libs/event-log';
import { ProcessMetrics } from '#libs/process-metrics';
import { startHttpApp, type Logger, type RunningApp } from '#libs/runtime';
import { AggregatorModule } from './aggregator.module.js';
import { FleetView } from './core/fleet-view.js';
import { Aggregation } from './in/aggregation.js';
import { observeAggregator } from './in/instruments.js';
import { FleetAnswers } from './out/fleet-answers.js';
import { FleetTelling } from './out/fleet-telling.js';
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
  const telling = new FleetTelling(answers, { vllm: settings.vllmMetrics, models: settings.labels.models }, (line) => logger.info(line));
  const metrics = new ProcessMetrics('aggregator', logger);
  observeAggregator(metrics, aggregation, answers);
  const module = AggregatorModule.of({ aggregation, telling, metrics, apiToken: settings.apiToken, logger });
  const { nest, url } = await startHttpApp({ module, host: settings.host, port: settings.port, logger });
  logger.info(`listening on ${url}`);
  await Promise.race([aggregation.start(), aggregation.held]);
  const otlp = await startOtlp(settings, telling, aggregation, logger);
  return {
    url,
    failed: aggregation.failed,
    drain: async () => {
      await otlp?.close();
      await nest.close();
      await aggregation.close();
    },
  };
}

/** The SDK is loaded only where a collector is named. */
async function startOtlp({ otlp }: AggregatorSettings, telling: FleetTelling, aggregation: Aggregation, logger: Logger) {
  if (!otlp) return undefined;
  const { OtlpExport } = await import('./out/otlp-export.js');
  return new OtlpExport(telling, otlp, () => aggregation.isSpokesman, logger);
}
