import 'reflect-metadata';
import { runMain, StartError, VERSION } from '#libs/runtime';
import { startStack } from './app.js';
import { banner } from './core/banner.js';
import { DemoLoad } from './in/demo-load.js';
import { stackSettings } from './settings.js';

const demo = process.argv.includes('--demo');

await runMain({
  name: 'inferometer',
  about: 'the whole system in one process; --demo adds a gentle load',
  settings: stackSettings,
  flags: ['--demo'],
  start: async (settings) => {
    if (demo && settings.gateway.apiKeysFile !== undefined)
      throw new StartError('--demo sends requests without an API key, so it cannot be used with GATEWAY_API_KEYS_FILE');
    const stack = await startStack(settings);
    const simulatedModel = settings.modelServer?.modelNames[0];
    const load = demo ? new DemoLoad(stack.gatewayUrl) : undefined;
    const { gateway, gpuProbe } = settings;
    if (gateway.limitsFile !== undefined) process.on('SIGHUP', () => stack.reload());
    const facts = {
      version: VERSION,
      simulatedModel,
      maxConcurrent: gateway.maxConcurrentRequests,
      maxQueue: gateway.maxQueueSize,
      eventLogUrl: gateway.eventLog.url,
      gpuSource: gpuProbe.source,
      needsToken: gateway.apiToken !== undefined,
      demo,
    };
    console.log(banner({ ...stack, ...facts }));
    return {
      ...stack,
      drain: async () => {
        await load?.stop();
        await stack.drain();
      },
    };
  },
});
