import { expect, it } from 'vitest';
import { spawnApp, startStackProcess, temporaryFolder } from '../support/stack.js';

it('npm run doctor knows the system that runs, and does not disturb it', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const stack = await startStackProcess(folder);
  const [, aggregator = ''] = /Aggregator +(\S+)/.exec(stack.output()) ?? [];
  const env = {
    EVENT_LOG_URL: `file:${folder}`,
    UPSTREAM_URL: stack.upstreamUrl,
    AGGREGATOR_URL: aggregator,
    PORT: new URL(stack.gatewayUrl).port,
    AGGREGATOR_PORT: new URL(aggregator).port,
    GPU_PROBE_PORT: '0',
    GPU_SOURCE: 'simulated',
  };
  const { output, exited } = spawnApp('stack', env, ['doctor']);
  const code = await exited;
  const lines = output()
    .split('\n')
    .map((line) => line.replace(/^(\S+) +(event log|\S+) +/, '$1 $2: '));
  expect(lines).toEqual(
    expect.arrayContaining([
      `ok event log: ${folder}: readable, in use: 1 reader`,
      expect.stringMatching(/^ok topics: partitions: inferometer\.requests 6/) as string,
      'ok clock: the embedded log goes by this machine’s own clock',
      expect.stringMatching(/^ok upstream: \S+ answers in \d+ ms: 1 model \(demo-7b\)$/) as string,
      expect.stringMatching(/^ok aggregator: \S+ answers in \d+ ms$/) as string,
      `ok port: 127.0.0.1:${env.PORT}: the gateway already runs`,
      `ok port: 127.0.0.1:${env.AGGREGATOR_PORT}: the aggregator already runs`,
    ]),
  );
  expect({ code, colors: output().includes('\u001B') }).toEqual({ code: 0, colors: false });
  expect(await stack.stop()).toBe(0);
});
