import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FaultyUpstream } from './harness/faulty-upstream.js';
import { GatewayProcess, mebibytes } from './harness/gateway-process.js';
import { inLongRun, randomFor, rounds, type Random } from './harness/plan.js';
import { Visitors, type Habit } from './harness/visitor.js';

const ROUNDS = rounds(0);
const ROUND_MS = 15_000;
const SAMPLE_EVERY_MS = 1_000;
const WARM_UP_MS = 30_000;
const AT_A_TIME = 16;
/** Between the second quarter and the last. The heap is what a leak would be in; the rest moves with what the collector leaves for later. */
const MOST_HEAP_GROWTH_BYTES = 4 * 1024 * 1024;
const MOST_GROWTH_BYTES = 32 * 1024 * 1024;

interface Sample {
  readonly resident: number;
  readonly heap: number;
}

/** The quarters of the run: the median of the resident memory, and the heap where least of it was garbage. */
function quartersOf(samples: readonly Sample[]): readonly Sample[] {
  const length = Math.ceil(samples.length / 4);
  return [0, 1, 2, 3].map((quarter) => {
    const part = samples.slice(quarter * length, (quarter + 1) * length);
    const resident = part.map((sample) => sample.resident).toSorted((a, b) => a - b);
    return { resident: resident[Math.floor(resident.length / 2)] ?? NaN, heap: Math.min(...part.map(({ heap }) => heap)) };
  });
}

function habitOf(random: Random): Habit {
  const dice = random.next();
  if (dice < 0.1) return 'leaves_soon';
  return dice < 0.2 ? 'leaves_at_first_bytes' : 'stays';
}

describe.skipIf(!inLongRun(true, false))('fault 21: the same load for a long time', () => {
  it('does not make the gateway grow', { timeout: 2 * WARM_UP_MS + 2 * ROUNDS * ROUND_MS }, async () => {
    const random = randomFor('soak');
    const upstream = await FaultyUpstream.start(random);
    onTestFinished(() => upstream.close());
    const env = { NODE_OPTIONS: '--max-semi-space-size=4 --v8-pool-size=1' }; // As in `npm run start:gateway`.
    const gateway = await GatewayProcess.start(upstream.url, env, (kill) => onTestFinished(kill));
    const visitors = new Visitors(gateway.url, upstream, random);
    onTestFinished(() => visitors.close());
    const endMs = performance.now() + WARM_UP_MS + ROUNDS * ROUND_MS;
    let visits = 0;
    const oneAfterTheOther = async (): Promise<void> => {
      while (performance.now() < endMs) {
        visits += 1;
        await visitors.visit(`r${visits}`, random.pick(['plain', 'words']), habitOf(random));
        upstream.sightings.clear();
      }
    };
    const load = Promise.all(Array.from({ length: AT_A_TIME }, oneAfterTheOther));
    await wait(WARM_UP_MS);
    const samples: Sample[] = [];
    while (performance.now() < endMs) {
      samples.push({ resident: await gateway.residentBytes(), heap: await gateway.heapBytes() });
      await wait(SAMPLE_EVERY_MS);
    }
    await load;
    await gateway.idle();
    expect(await gateway.app.signal('SIGTERM')).toBe(0);
    const quarters = quartersOf(samples);
    const told = quarters.map(({ resident, heap }) => `${mebibytes(resident)}, heap ${mebibytes(heap)}`);
    console.log(`${visits} requests in ${(ROUNDS * ROUND_MS) / 1_000} s; memory by quarters: ${told.join('; ')}`);
    const [, early, , late] = quarters;
    expect(late!.heap - early!.heap).toBeLessThan(MOST_HEAP_GROWTH_BYTES);
    expect(late!.resident - early!.resident).toBeLessThan(MOST_GROWTH_BYTES);
  });
});
