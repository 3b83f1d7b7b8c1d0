import { performance } from 'node:perf_hooks';
import { Load } from './load.js';
import { getJson, setFault, type System } from './system.js';

const PROBES = 3;

/** A system that runs already. Rejects with one clear line if it does not answer, or has no simulated model server. */
export async function joinRunningSystem(url: string, modelServerUrl: string, token: string | undefined): Promise<System> {
  await getJson(`${url}/api/v1/alerts`, token);
  const { fault } = await getJson<{ fault?: string }>(`${modelServerUrl}/faults`, token).catch((error: unknown) => {
    throw new Error(`no simulated model server: ${(error as Error).message}`);
  });
  if (fault === undefined) throw new Error(`${modelServerUrl} is not a simulated model server`);
  const system = {
    gatewayUrl: url,
    apiUrl: url,
    modelServerUrl,
    token,
    targets: [
      { job: 'inferometer-fleet', url: `${url}/metrics/prometheus`, labels: { instance: 'fleet' }, ...(token !== undefined && { token }) },
    ],
    broken: new Promise<never>(() => {}),
    ttftMs: await measuredTtftMs(url),
  };
  return { ...system, close: () => setFault({ ...system, close: () => Promise.resolve() }) };
}

/** The least of a few, so that it is the model server's own. */
async function measuredTtftMs(url: string): Promise<number> {
  const load = await Load.open(url);
  let least = Infinity;
  for (let round = 0; round < PROBES; round += 1) {
    const startedMs = performance.now();
    if ((await load.ask()) !== 200) throw new Error(`${url} does not take a request of the drill`);
    least = Math.min(least, performance.now() - startedMs);
  }
  return Math.max(1, least);
}
