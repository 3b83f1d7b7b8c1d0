import 'reflect-metadata';
import { runMain, VERSION } from '#libs/runtime';
import { startStack } from './app.js';
import { banner } from './core/banner.js';
import { DemoLoad } from './in/demo-load.js';
import { stackSettings } from './settings.js';

const demo = process.argv.includes('--demo');

await runMain({
  name: 'inferometer',
  about: 'the whole system in one process; --demo adds a gentle load',
  settings: stackSettings,
  start: async (settings) => {
    const stack = await startStack(settings);
    const simulatedModel = settings.modelServer?.modelNames[0];
    const load = demo ? new DemoLoad(stack.gatewayUrl) : undefined;
    const { maxConcurrentRequests: maxConcurrent, maxQueueSize: maxQueue, eventLog } = settings.gateway;
    console.log(banner({ ...stack, version: VERSION, simulatedModel, maxConcurrent, maxQueue, eventLogUrl: eventLog.url, demo }));
    return {
      ...stack,
      drain: async () => {
        await load?.stop();
        await stack.drain();
      },
    };
  },
});
