import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { EventSource, topicsOf } from '#libs/contracts/writing';
import { Outbox, Spool, TopicWatch, type EventLog } from '#libs/event-log';
import { ProcessMetrics } from '#libs/process-metrics';
import { inTurn, startHttpApp, type HttpApp, type Logger, type RunningApp } from '#libs/runtime';
import { Admission } from './core/admission.js';
import { Counters } from './core/counters.js';
import { brokenRequestBody } from './core/errors.js';
import { GatewayModule } from './gateway.module.js';
import { InferenceRoutes } from './in/inference-routes.js';
import { Inference } from './in/inference.js';
import { observeGateway } from './in/instruments.js';
import { Limits } from './in/limits.js';
import { Aggregator } from './out/aggregator.js';
import { Heartbeats } from './out/heartbeats.js';
import { Upstreams } from './out/upstreams.js';
import type { GatewaySettings, SpoolSettings } from './settings.js';

/** What stands between the requests and the event log. */
interface Telemetry {
  readonly outbox: Outbox;
  readonly spool: Spool | undefined;
  readonly watch: TopicWatch;
}

export interface RunningGateway extends RunningApp {
  readonly url: string;
  /** Reads the limits anew, if there is a file of them. Never throws. */
  reload(): void;
}

/**
 * Starts the gateway. It serves whatever the log does: topics are prepared in the background, and events wait meanwhile. Rejects with StartError if
 * its address cannot be bound, and with EventLogOpenError if another process uses its spool.
 */
export async function startGateway(settings: GatewaySettings, log: EventLog, logger: Logger): Promise<RunningGateway> {
  const telemetry = startTelemetry(settings, log, logger);
  const module = GatewayModule.forRoot(settings, { outbox: telemetry.outbox, logger });
  const { host, port, maxBodyBytes } = settings;
  const app = await startHttpApp({ module, host, port, maxBodyBytes, logger, errorBody: brokenRequestBody }).catch(
    async (error: unknown) => {
      await inTurn(endOf(telemetry));
      throw error;
    },
  );
  // Node's own word for it, which its types leave out.
  Object.assign(app.nest.getHttpServer(), { httpAllowHalfOpen: settings.servesHalfClosed });
  const { nest } = app;
  observeGateway(nest.get(ProcessMetrics), nest.get(Admission), nest.get(Upstreams), nest.get(Counters), telemetry.outbox);
  app.nest.get(Heartbeats).start();
  logger.info(`listening on ${app.url}, in front of ${app.nest.get(Upstreams).name}`);
  return { url: app.url, reload: () => app.nest.get(Limits).reload(), drain: () => drain(app, settings, telemetry) };
}

function startTelemetry({ eventLog, gatewayId, spool: where }: GatewaySettings, log: EventLog, logger: Logger): Telemetry {
  const topics = topicsOf(eventLog.topicPrefix);
  const bootId = `${Date.now().toString(36)}-${randomBytes(6).toString('hex')}`;
  const source = new EventSource(`/gateways/${gatewayId}`, bootId);
  const spool = where && openSpool(where, logger);
  const { name, partitions } = topics.requests;
  const outbox = new Outbox(log, name, partitions, source, { spool });
  const watch = new TopicWatch(log, { all: Object.values(topics), target: name }, outbox, logger);
  watch.start();
  return { outbox, spool, watch };
}

function openSpool({ folder, maxBytes }: SpoolSettings, logger: Logger): Spool {
  const spool = Spool.inFolder(folder, {
    maxBytes,
    onProblem: (text) => logger.error(text),
    onMended: (text) => logger.info(text),
  });
  if (spool.events > 0) logger.info(`${spool.events} events of an earlier start wait in the spool, and are sent first`);
  return spool;
}

/** The order matters: requests end first, then nobody can make another one, then all of their events are stored, in the log or in the spool. */
async function drain({ nest }: HttpApp, settings: GatewaySettings, telemetry: Telemetry): Promise<void> {
  await inTurn([
    () => announceDrain(nest.get(Inference), settings.drainDelayMs),
    () => nest.get(Inference).drain(settings.drainTimeoutMs),
    () => {
      const closing = nest.close();
      nest.getHttpServer().closeAllConnections();
      nest.get(InferenceRoutes).closeConnections();
      return closing;
    },
    () => nest.get(Heartbeats).stop(),
    ...endOf(telemetry),
    () => nest.get(Upstreams).close(),
    () => nest.get(Aggregator).pool?.close(),
  ]);
}

/** Balancers need a moment to hear of it. */
async function announceDrain(inference: Inference, delayMs: number): Promise<void> {
  inference.announceDrain();
  if (delayMs > 0) await wait(delayMs);
}

function endOf({ outbox, spool, watch }: Telemetry): readonly (() => unknown)[] {
  return [() => watch.stop(), () => outbox.close(), () => spool?.close()];
}
