import 'reflect-metadata';
import { runMain } from '#libs/runtime';
import { startModelServer } from './app.js';
import { modelServerSettings } from './settings.js';

await runMain({
  name: 'model-server',
  about: 'a simulated OpenAI-compatible server: load, latency and faults on demand',
  settings: modelServerSettings,
  start: startModelServer,
});
