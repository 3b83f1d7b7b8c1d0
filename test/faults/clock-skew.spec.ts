import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { kafkaForTests } from '../support/kafka.js';
import { agreement, Fleet } from './harness/fleet.js';
import { HttpLoad } from './harness/http-load.js';
import { Ledger } from './harness/ledger.js';
import { randomFor } from './harness/plan.js';
import { Site } from './harness/site.js';

const HOUR_MS = 3_600_000;
/** On a busy machine a gateway may hear that its answer has gone out a moment after the client has read it. */
const LATE_S = 1;
const REQUESTS_PER_SECOND = 20;
const LOAD_MS = 5_000;

const kafka = await kafkaForTests();

/** Shifts the wall clock of a process before anything else runs in it. */
function withClock(shiftMs: number): Readonly<Record<string, string>> {
  const script = `const now=Date.now;Date.now=()=>now()+${shiftMs}`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` };
}

describe.skipIf(!kafka)('fault 11: gateways whose clocks are an hour off', () => {
  it('have the same counts and durations as others', { timeout: 120_000 }, async () => {
    const random = randomFor('clock skew');
    const fleet = await Fleet.on(kafka!.brokers);
    onTestFinished(() => fleet.close());
    const [aggregator, site] = [await fleet.aggregator(), await Site.on(fleet)];
    const gateways = [
      await site.gateway('fast', withClock(HOUR_MS)),
      await site.gateway('slow', withClock(-HOUR_MS)),
      await site.gateway('right'),
    ];
    const loads = gateways.map(({ url }, index) => new HttpLoad(url, random, `load-${index}`));
    for (const load of loads) load.start(REQUESTS_PER_SECOND);
    await wait(LOAD_MS);
    for (const load of loads) await load.stop();
    const ledger = loads.reduce((sum, load) => sum.add(load.ledger), new Ledger({ tokens: false }));
    const [document = expect.fail()] = await agreement([aggregator], ledger);
    expect(document.data_quality).toMatchObject({ reconciled: true, events_missing: 0, live_gateways: 3 });
    const longest = Math.max(...loads.flatMap(({ calls }) => calls.map(({ durationMs }) => durationMs))) / 1000;
    expect(document.latency.max).toBeGreaterThan(0);
    expect(document.latency.max).toBeLessThanOrEqual(longest + LATE_S);
    expect(document.slo.ttft.p99).toBeLessThanOrEqual(longest + LATE_S);
  });
});
