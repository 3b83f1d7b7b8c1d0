import { randomBytes } from 'node:crypto';
import { topicsOf } from '#libs/contracts';
import { Outbox, type EventLog } from '#libs/event-log';
import { startHttpApp, type HttpApp, type Logger, type RunningApp } from '#libs/runtime';
import { GatewayModule } from './gateway.module.js';
import { Inference } from './in/inference.js';
import { Aggregator } from './out/aggregator.js';
import { Heartbeats } from './out/heartbeats.js';
import { Upstream } from './out/upstream.js';
import type { GatewaySettings } from './settings.js';

/** Starts the gateway on an open log whose topics exist. Rejects with StartError if its address cannot be bound. */
export async function startGateway(settings: GatewaySettings, log: EventLog, logger: Logger): Promise<RunningApp & { url: string }> {
  const partitions = await log.partitions(topicsOf(settings.eventLog.topicPrefix).requests.name);
  const bootId = `${Date.now().toString(36)}-${randomBytes(6).toString('hex')}`;
  const app = await startHttpApp({
    module: GatewayModule.forRoot(settings, { log, partitions, bootId, logger }),
    host: settings.host,
    port: settings.port,
    maxBodyBytes: settings.maxBodyBytes,
    logger,
  });
  app.nest.get(Heartbeats).start();
  logger.info(`listening on ${app.url}, in front of ${app.nest.get(Upstream).name}`);
  return { url: app.url, drain: () => drain(app, settings) };
}

/** The order matters: requests end first, then nobody can make another one, then all of their events are stored. */
async function drain({ nest }: HttpApp, { drainTimeoutMs }: GatewaySettings): Promise<void> {
  await nest.get(Inference).drain(drainTimeoutMs);
  const closing = nest.close();
  nest.getHttpServer().closeAllConnections();
  await closing;
  nest.get(Heartbeats).stop();
  await nest.get(Outbox).close();
  await Promise.all([nest.get(Upstream).close(), nest.get(Aggregator).pool?.close()]);
}
