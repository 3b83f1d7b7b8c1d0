import type { BenchRow } from '../bench-row.js';
import { Connection, type Timing } from './client.js';
import { median, quantile } from './numbers.js';
import { chatRequest, type Target } from './proxies.js';
import { plainBody, streamBody } from './work.js';

/*
 * What a proxy adds to the time of an answer at one connection: a percentile of its answers, less the same percentile of the model's own. All targets
 * take turns within a round, forwards and backwards; what counts is the median of the rounds, so that a disturbance of the machine spoils one of
 * them and not the result.
 */

const ROUNDS = 15;
const REQUESTS = 1_500;
/** For whatever is too slow to be asked so often. */
const ROUND_MS = 500;
/** At the start of each round: connections are made, and what has gone cold comes back. */
const LEAD = 0.1;
/** The rest of a stream comes so long after its first frame that nobody is busy with it when the first byte is timed. */
const STREAM = { frames: 1, everyMs: 1 };

/** A kind of request and what its figures should come to, in ms and against the bare proxy. */
interface Kind {
  readonly name: string;
  readonly body: string;
  readonly timeOf: (timing: Timing) => number;
  readonly p50: { readonly bar: number; readonly ratioBar: number };
  readonly p99: { readonly bar: number; readonly ratioBar: number };
}

const PLAIN: Kind = {
  name: 'JSON',
  body: plainBody(),
  timeOf: ({ lastMs }) => lastMs,
  p50: { bar: 0.3, ratioBar: 1.4 },
  p99: { bar: 1, ratioBar: 1.3 },
};

const FIRST_BYTE: Kind = {
  name: 'first byte of a stream',
  body: streamBody(STREAM.frames, STREAM.everyMs),
  timeOf: ({ firstMs }) => firstMs,
  p50: { bar: 0.5, ratioBar: 1.3 },
  p99: { bar: 1.2, ratioBar: 1.3 },
};

type Figures = Record<'p50' | 'p99', number>;

/** Rows about added latency. `targets` may have any of the proxies, but direct, gateway and bare are needed. */
export async function latencyRows(targets: readonly Target[]): Promise<BenchRow[]> {
  return [...(await rowsOf(PLAIN, targets)), ...(await rowsOf(FIRST_BYTE, targets))];
}

async function rowsOf(kind: Kind, targets: readonly Target[]): Promise<BenchRow[]> {
  const rounds: Map<string, Figures>[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const figures = new Map<string, Figures>();
    for (const target of round % 2 === 0 ? targets : targets.toReversed()) figures.set(target.name, await figuresOf(kind, target));
    rounds.push(figures);
  }
  return (['p50', 'p99'] as const).flatMap((percentile) => percentileRows(kind, percentile, rounds));
}

async function figuresOf({ body, timeOf }: Kind, target: Target): Promise<Figures> {
  const connection = await Connection.open(target.url);
  const request = chatRequest(target, body);
  const times: number[] = [];
  const endMs = performance.now() + ROUND_MS;
  try {
    while (times.length < REQUESTS && performance.now() < endMs) times.push(timeOf(await connection.ask(request)));
  } finally {
    connection.close();
  }
  const measured = times.slice(times.length * LEAD);
  return { p50: quantile(measured, 0.5), p99: quantile(measured, 0.99) };
}

function percentileRows(kind: Kind, percentile: keyof Figures, rounds: readonly Map<string, Figures>[]): BenchRow[] {
  const { bar, ratioBar } = kind[percentile];
  const directOf = (round: Map<string, Figures>): number => round.get('direct')![percentile];
  const addedBy = (name: string): number => median(rounds.map((round) => round.get(name)![percentile] - directOf(round)));
  const ratio = addedBy('gateway') / addedBy('bare');
  const proxies = [...rounds[0]!.keys()].filter((name) => name !== 'direct');
  return [
    { name: `${kind.name}, ${percentile}, direct`, value: median(rounds.map(directOf)), unit: 'ms' },
    ...proxies.map((name) => {
      const value = addedBy(name);
      const row = { name: `${kind.name}, ${percentile}, added by ${name}`, value, unit: 'ms' };
      return name === 'gateway' ? { ...row, bar: `<= ${bar}`, met: value <= bar } : row;
    }),
    {
      name: `${kind.name}, ${percentile}, added, gateway against bare`,
      value: ratio,
      unit: 'ratio',
      bar: `<= ${ratioBar}`,
      met: ratio <= ratioBar,
    },
  ];
}
