import { ProcessMetrics } from '#libs/process-metrics';
import { startHttpApp, type Logger, type RunningApp } from '#libs/runtime';
import { Engine } from './in/engine.js';
import { observeEngine } from './in/instruments.js';
import { ModelServerModule } from './model-server.module.js';
import { Pacer } from './out/pacer.js';
import type { ModelServerSettings } from './settings.js';

const MAX_BODY_BYTES = 33_554_432;
/** What still runs this long after the stop was asked for is broken off. */
const DRAIN_MS = 5_000;

/** Starts the simulated server. Rejects with StartError if its address cannot be bound. */
export async function startModelServer(settings: ModelServerSettings, logger: Logger): Promise<RunningApp & { readonly url: string }> {
  const engine = new Engine(settings, new Pacer());
  const metrics = new ProcessMetrics('model-server', logger);
  observeEngine(metrics, engine);
  const { host, port } = settings;
  const module = ModelServerModule.forRoot(engine, metrics);
  const { nest, url } = await startHttpApp({ module, host, port, logger, maxBodyBytes: MAX_BODY_BYTES });
  logger.info(`simulated model server at ${url}, models: ${settings.modelNames.join(', ')}`);
  return {
    url,
    async drain() {
      const closed = nest.close();
      await engine.drain(DRAIN_MS);
      await closed;
    },
  };
}
