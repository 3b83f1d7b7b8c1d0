import type { BenchRow } from '../bench-row.js';
import { cpuSeconds } from '../processes.js';
import { load } from './client.js';
import { median } from './numbers.js';
import { chatRequest, type Target } from './proxies.js';
import { plainBody, streamBody } from './work.js';

/*
 * CPU time of a proxy, by the system's own account of its process, for a JSON request and for a frame of a stream; and how many requests it gets done.
 * Rounds of all targets take turns, forwards and backwards, so that all have the same luck with the machine. What counts is the median.
 */

const ROUNDS = 6;
const ROUND_MS = 1_500;
const CONNECTIONS = 32;
const STREAM_ROUNDS = 5;
/** Of each of the streams, in a round. */
const FRAMES = 1_500;
/** Each stream has a frame this often, so that a proxy meets most of them one by one. */
const FRAME_EVERY_MS = 1;
/** A process is warm when a round costs about what the one before cost. */
const STEADY = 0.05;
const WARM_ROUNDS = { min: 3, max: 10 };

const CPU_BAR = 1.3;
const PORTKEY_BAR = 5.5;

/** What the work of one round came to. */
interface Round {
  /** µs of CPU for each request or frame. */
  readonly cpuUs: number;
  readonly perSecond: number;
}

type Measure = (target: Target) => Promise<Round>;

/** Rows about CPU time and throughput. `targets` may have any of the proxies, but gateway and bare are needed. */
export async function cpuRows(targets: readonly Target[]): Promise<BenchRow[]> {
  const plain = await inTurns(targets, ROUNDS, plainRound);
  const streamed = targets.filter(({ name }) => name !== 'direct' && name !== 'Portkey');
  const frames = await inTurns(streamed, STREAM_ROUNDS, streamRound);
  return [...costRows('JSON request', plain), ...costRows('SSE frame', frames), ...throughputRows(plain)];
}

async function inTurns(targets: readonly Target[], rounds: number, measure: Measure): Promise<Map<string, Round[]>> {
  const results = new Map<string, Round[]>(targets.map(({ name }) => [name, []]));
  for (const target of targets) await warmUp(target, measure);
  for (let round = 0; round < rounds; round += 1) {
    for (const target of round % 2 === 0 ? targets : targets.toReversed()) results.get(target.name)!.push(await measure(target));
  }
  return results;
}

/** Until the compiler has done what it will do; a fixed number of requests is too few for whoever has more code. */
async function warmUp(target: Target, measure: Measure): Promise<void> {
  let before = Infinity;
  for (let round = 1; round <= WARM_ROUNDS.max; round += 1) {
    const { cpuUs } = await measure(target);
    if (round >= WARM_ROUNDS.min && Math.abs(cpuUs - before) <= STEADY * before) return;
    before = cpuUs;
  }
}

async function plainRound(target: Target): Promise<Round> {
  const before = cpuSeconds(target.child.pid);
  const { answers, seconds } = await load(target.url, chatRequest(target, plainBody()), CONNECTIONS, ROUND_MS);
  return { cpuUs: ((cpuSeconds(target.child.pid) - before) * 1e6) / answers, perSecond: answers / seconds };
}

/** The requests themselves are in it, which is little: each has many frames. */
async function streamRound(target: Target): Promise<Round> {
  const before = cpuSeconds(target.child.pid);
  const { answers, seconds } = await load(target.url, chatRequest(target, streamBody(FRAMES, FRAME_EVERY_MS)), CONNECTIONS, 0);
  const frames = answers * FRAMES;
  return { cpuUs: ((cpuSeconds(target.child.pid) - before) * 1e6) / frames, perSecond: frames / seconds };
}

function costRows(what: string, rounds: Map<string, Round[]>): BenchRow[] {
  const proxies = [...rounds].filter(([name]) => name !== 'direct');
  const ratio = againstEach(rounds, 'bare', ({ cpuUs }) => cpuUs);
  return [
    ...proxies.map(([name, all]) => ({ name: `${what}, ${name}`, value: median(all.map(({ cpuUs }) => cpuUs)), unit: 'µs CPU' })),
    { name: `${what}, gateway against bare`, value: ratio, unit: 'ratio', bar: `<= ${CPU_BAR}`, met: ratio <= CPU_BAR },
  ];
}

function throughputRows(rounds: Map<string, Round[]>): BenchRow[] {
  const what = `${CONNECTIONS} connections, JSON`;
  const rows: BenchRow[] = [...rounds].map(([name, all]) => ({
    name: `${what}, ${name}`,
    value: median(all.map(({ perSecond }) => perSecond)),
    unit: 'requests/s',
  }));
  if (!rounds.has('Portkey')) return rows;
  const ratio = againstEach(rounds, 'Portkey', ({ perSecond }) => perSecond);
  return [
    ...rows,
    { name: `${what}, gateway against Portkey`, value: ratio, unit: 'ratio', bar: `>= ${PORTKEY_BAR}`, met: ratio >= PORTKEY_BAR },
  ];
}

/** The gateway's figure by the other's, within each round; the median of that. */
function againstEach(rounds: Map<string, Round[]>, other: string, figure: (round: Round) => number): number {
  const others = rounds.get(other)!;
  return median(rounds.get('gateway')!.map((round, index) => figure(round) / figure(others[index]!)));
}
