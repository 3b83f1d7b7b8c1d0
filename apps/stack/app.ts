import { topicsOf } from '#libs/contracts';
import { onEventLog, prepareTopics, type EventLog } from '#libs/event-log';
import { inTurn, Logger, type RunningApp } from '#libs/runtime';
import { startAggregator } from '../aggregator/app.js';
import { startGateway } from '../gateway/app.js';
import { startGpuProbe } from '../gpu-probe/app.js';
import { startModelServer } from '../model-server/app.js';
import type { StackSettings } from './settings.js';

export interface RunningStack extends RunningApp {
  /** The one door: inference, API, Prometheus. */
  readonly gatewayUrl: string;
  readonly aggregatorUrl: string;
  readonly upstreamUrl: string;
  /** See `RunningGateway`. */
  reload(): void;
}

/** Starts every part in this process on one event log. If a part cannot start, those before it are drained and the cause is thrown. */
export function startStack(settings: StackSettings): Promise<RunningStack> {
  const { eventLog } = settings.aggregator;
  return onEventLog(eventLog, async (log) => {
    await prepareTopics(log, Object.values(topicsOf(eventLog.topicPrefix)), new Logger('inferometer', settings.logLevel));
    const running: RunningApp[] = [];
    try {
      const parts = await startParts(settings, log, running);
      return { ...parts, failed: firstFailure(running), drain: () => drainAll(running) };
    } catch (error) {
      await drainAll(running);
      throw error;
    }
  });
}

async function startParts(settings: StackSettings, log: EventLog, running: RunningApp[]) {
  const logger = (name: string): Logger => new Logger(name, settings.logLevel);
  const keep = <T extends RunningApp>(app: T): T => {
    running.push(app);
    return app;
  };
  const { url: aggregatorUrl } = keep(await startAggregator(settings.aggregator, log, logger('aggregator')));
  const simulated = settings.modelServer && keep(await startModelServer(settings.modelServer, logger('model-server')));
  const upstream = simulated ? { ...settings.gateway.upstream, urls: [simulated.url] } : settings.gateway.upstream;
  keep(await startGpuProbe(settings.gpuProbe, log, logger('gpu-probe')));
  const gateway = keep(await startGateway({ ...settings.gateway, upstream, aggregatorUrl }, log, logger('gateway')));
  return { gatewayUrl: gateway.url, aggregatorUrl, upstreamUrl: upstream.urls.join(', '), reload: () => gateway.reload() };
}

function firstFailure(running: readonly RunningApp[]): Promise<Error> {
  return Promise.race(running.flatMap((app) => app.failed ?? []));
}

/** Last started, first drained, so that the gateway's last events are still folded; a part that fails does not keep the others from it. */
async function drainAll(running: readonly RunningApp[]): Promise<void> {
  await inTurn(running.toReversed().map((app) => () => app.drain()));
}
