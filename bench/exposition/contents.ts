import { LATENCY_EDGES_SECONDS } from '#libs/contracts';

/** One histogram with its series, said in no library's terms. */
export interface Histograms {
  readonly name: string;
  readonly help: string;
  readonly edges: readonly number[];
  readonly series: readonly Series[];
}

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** Per cell, not cumulated. */
  readonly cells: readonly number[];
  readonly sum: number;
}

const MOST_IN_A_CELL = 40;

/** As many histograms as vLLM's names have, for as many label sets as are asked for; the same ones in every run. */
export function histograms(families: number, seriesEach: number): readonly Histograms[] {
  const random = randomFrom(20_261);
  return Array.from({ length: families }, (_unused, family) => ({
    name: `vllm:request_phase_${family}_time_seconds`,
    help: `Histogram of time spent in phase ${family} of a request, over all finished requests.`,
    edges: LATENCY_EDGES_SECONDS,
    series: Array.from({ length: seriesEach }, (_none, index) => seriesOf(index, random)),
  }));
}

function seriesOf(index: number, random: () => number): Series {
  const cells = [...LATENCY_EDGES_SECONDS, 0].map(() => Math.floor(random() * MOST_IN_A_CELL));
  const sum = cells.reduce((total, count, cell) => total + count * valueIn(cell), 0);
  return { labels: { model_name: `meta-llama/Llama-3.1-8B-Instruct-${index}`, engine: '0' }, cells, sum };
}

/** A value that falls into the cell. */
export function valueIn(cell: number): number {
  return LATENCY_EDGES_SECONDS[cell] ?? 2 * LATENCY_EDGES_SECONDS.at(-1)!;
}

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
