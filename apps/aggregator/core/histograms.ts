import {
  cellOf,
  LATENCY_EDGES_SECONDS,
  PER_TOKEN_EDGES_SECONDS,
  TOKEN_EDGES,
  TTFT_EDGES_SECONDS,
  type RequestReceived,
} from '#libs/contracts';
import { ExactSum } from '#libs/sketch';
import { addEach, total } from './counts.js';
import { seconds, type TerminalEvent } from './measure.js';

/** vLLM's buckets of `request_params_n`. */
const N_EDGES = [1, 2, 5, 10, 20] as const;

/** Every quantity with an exact histogram, and its edges; durations in seconds. */
export const HISTOGRAM_EDGES = {
  ttft: TTFT_EDGES_SECONDS,
  latency: LATENCY_EDGES_SECONDS,
  queue: LATENCY_EDGES_SECONDS,
  prefill: LATENCY_EDGES_SECONDS,
  decode: LATENCY_EDGES_SECONDS,
  inference: LATENCY_EDGES_SECONDS,
  interToken: PER_TOKEN_EDGES_SECONDS,
  timePerOutputToken: PER_TOKEN_EDGES_SECONDS,
  inputTokens: TOKEN_EDGES,
  outputTokens: TOKEN_EDGES,
  maxTokens: TOKEN_EDGES,
  n: N_EDGES,
} as const satisfies Record<string, readonly number[]>;
export type HistogramName = keyof typeof HISTOGRAM_EDGES;
const NAMES = Object.keys(HISTOGRAM_EDGES) as readonly HistogramName[];

export type HistogramJson = readonly [cells: readonly number[], sum: readonly number[]];

/** Counts per cell (not cumulated), the last cell above the last edge, and the exact sum. */
export class Histogram {
  readonly cells: number[];
  private readonly exactSum: ExactSum;

  constructor(
    readonly edges: readonly number[],
    [cells, sum]: HistogramJson = [[], []],
  ) {
    this.cells = [...edges, Infinity].map((_edge, index) => cells[index] ?? 0);
    this.exactSum = ExactSum.fromJSON(sum);
  }

  observe(value: number): void {
    this.cells[cellOf(this.edges, value)]! += 1;
    this.exactSum.add(value);
  }

  /** Adds observations that were binned on the same edges elsewhere, and the sum of their values. */
  observeCells(cells: readonly number[], sum: number): void {
    addEach(this.cells, cells);
    this.exactSum.add(sum);
  }

  merge(other: Histogram): void {
    addEach(this.cells, other.cells);
    this.exactSum.merge(other.exactSum);
  }

  get count(): number {
    return total(this.cells);
  }

  get sum(): number {
    return this.exactSum.value;
  }

  toJSON(): HistogramJson {
    let used = this.cells.length;
    while (used > 0 && this.cells[used - 1] === 0) used -= 1;
    return [this.cells.slice(0, used), this.exactSum.toJSON()];
  }
}

/** The exact histograms of one series. As in vLLM they count every request that reached the upstream, however it ended. */
export class Histograms {
  private readonly byName: Readonly<Record<HistogramName, Histogram>>;

  constructor(json: readonly HistogramJson[] = []) {
    const entries = NAMES.map((name, index) => [name, new Histogram(HISTOGRAM_EDGES[name], json[index])] as const);
    this.byName = Object.fromEntries(entries) as Record<HistogramName, Histogram>;
  }

  of(name: HistogramName): Histogram {
    return this.byName[name];
  }

  addReceived(data: RequestReceived): void {
    this.observe('maxTokens', data.max_tokens);
    this.observe('n', data.n ?? 1);
  }

  /** `data` of a request that reached the upstream. */
  addEnded({ data }: TerminalEvent): void {
    const queue = seconds(data.queue_ms);
    const duration = seconds(data.duration_ms);
    const decode = seconds(data.decode_ms);
    if (data.stream) this.observe('ttft', seconds(data.ttft_ms));
    this.observe('latency', duration);
    this.observe('queue', queue);
    this.observe('prefill', difference(seconds(data.ttft_ms), queue));
    this.observe('decode', decode);
    this.observe('inference', difference(duration, queue));
    this.observe('inputTokens', data.input_tokens);
    this.observe('outputTokens', data.output_tokens);
    if (data.gaps) this.of('interToken').observeCells(data.gaps, decode ?? 0);
    const rest = (data.output_tokens ?? 0) - 1;
    if (decode !== undefined && rest > 0) this.observe('timePerOutputToken', decode / rest);
  }

  merge(other: Histograms): void {
    for (const name of NAMES) this.of(name).merge(other.of(name));
  }

  toJSON(): readonly HistogramJson[] {
    return NAMES.map((name) => this.of(name).toJSON());
  }

  private observe(name: HistogramName, value: number | undefined): void {
    if (value !== undefined) this.byName[name].observe(value);
  }
}

function difference(later: number | undefined, earlier: number | undefined): number | undefined {
  return later === undefined || earlier === undefined ? undefined : Math.max(0, later - earlier);
}
