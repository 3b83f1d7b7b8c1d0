import { cellOf, LATENCY_EDGES_SECONDS, PER_TOKEN_EDGES_SECONDS, TOKEN_EDGES, TTFT_EDGES_SECONDS } from '#libs/contracts';
import { ExactSum } from '#libs/sketch';
import { addEach, total } from './counts.js';
import { newerOf, type Exemplar, type Trace } from './exemplar.js';
import { seconds, type TerminalEvent } from './measure.js';

/** vLLM's buckets of `request_params_n`. */
export const N_EDGES = [1, 2, 5, 10, 20] as const;

/** Bucket boundaries of OpenTelemetry's semantic conventions for generative AI, v1.41.1: of `gen_ai.client.token.usage`. */
export const GEN_AI_TOKEN_EDGES = [
  1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
] as const;
/** The same of `gen_ai.server.request.duration`. */
export const GEN_AI_DURATION_EDGES = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92] as const;

/** Both name sets show token counts of the same requests, each on its own edges. */
const ALL_TOKEN_EDGES = [...new Set<number>([...TOKEN_EDGES, ...GEN_AI_TOKEN_EDGES])].toSorted((a, b) => a - b);

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
  inputTokens: ALL_TOKEN_EDGES,
  outputTokens: ALL_TOKEN_EDGES,
  maxTokens: TOKEN_EDGES,
  n: N_EDGES,
} as const satisfies Record<string, readonly number[]>;
export type HistogramName = keyof typeof HISTOGRAM_EDGES;
const NAMES = Object.keys(HISTOGRAM_EDGES) as readonly HistogramName[];

export type HistogramJson = readonly [cells: readonly number[], sum: readonly number[]];

const NO_EXEMPLARS: readonly undefined[] = [];

/** Counts per cell (not cumulated), the last cell above the last edge, and the exact sum. */
export class Histogram {
  readonly cells: number[];
  private readonly exactSum: ExactSum;
  /** Made with the first. */
  private traced: (Exemplar | undefined)[] | undefined;

  constructor(
    readonly edges: readonly number[],
    [cells, sum]: HistogramJson = [[], []],
  ) {
    this.cells = [...edges, Infinity].map((_edge, index) => cells[index] ?? 0);
    this.exactSum = ExactSum.fromJSON(sum);
  }

  /** `trace`: what it is to be an exemplar of. */
  observe(value: number, trace?: Trace): void {
    const cell = cellOf(this.edges, value);
    this.cells[cell]! += 1;
    this.exactSum.add(value);
    if (trace) this.keep(cell, { traceId: trace.id, value, timestampMs: trace.timestampMs });
  }

  /** Adds observations that were binned on the same edges elsewhere, and the sum of their values. */
  observeCells(cells: readonly number[], sum: number): void {
    addEach(this.cells, cells);
    this.exactSum.add(sum);
  }

  merge(other: Histogram): void {
    addEach(this.cells, other.cells);
    this.exactSum.merge(other.exactSum);
    if (other.traced) for (const [cell, exemplar] of other.traced.entries()) if (exemplar) this.keep(cell, exemplar);
  }

  /** The newest observation of each cell that names its trace, at the index of the cell. They are not part of the JSON. */
  get exemplars(): readonly (Exemplar | undefined)[] {
    return this.traced ?? NO_EXEMPLARS;
  }

  /** Of an observation that is counted already. */
  putExemplar(exemplar: Exemplar): void {
    this.keep(cellOf(this.edges, exemplar.value), exemplar);
  }

  /** No exemplar is later than `timeMs` from now on. */
  turnBack(timeMs: number): void {
    this.traced = this.traced?.map((exemplar) => exemplar && { ...exemplar, timestampMs: Math.min(exemplar.timestampMs, timeMs) });
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

  private keep(cell: number, exemplar: Exemplar): void {
    this.traced ??= [];
    this.traced[cell] = newerOf(this.traced[cell], exemplar);
  }
}

/** The exact histograms of one series at one upstream. As in vLLM they count every request that reached it, however that ended. */
export class Histograms {
  private readonly byName: Readonly<Record<HistogramName, Histogram>>;

  constructor(json: readonly HistogramJson[] = []) {
    const entries = NAMES.map((name, index) => [name, new Histogram(HISTOGRAM_EDGES[name], json[index])] as const);
    this.byName = Object.fromEntries(entries) as Record<HistogramName, Histogram>;
  }

  of(name: HistogramName): Histogram {
    return this.byName[name];
  }

  /** What a request that reached the upstream asked for; without `maxTokens` it set no limit. */
  addAsked(maxTokens: number | undefined, n: number): void {
    this.observe('maxTokens', maxTokens);
    this.observe('n', n);
  }

  /** `data` of a request that reached the upstream. */
  addEnded({ data }: TerminalEvent, trace?: Trace): void {
    const queue = seconds(data.queue_ms);
    const duration = seconds(data.duration_ms);
    const decode = seconds(data.decode_ms);
    if (data.stream) this.observe('ttft', seconds(data.ttft_ms), trace);
    this.observe('latency', duration, trace);
    this.observe('queue', queue);
    this.observe('prefill', difference(seconds(data.ttft_ms), queue));
    this.observe('decode', decode);
    this.observe('inference', difference(duration, queue));
    this.observe('inputTokens', data.input_tokens);
    this.observe('outputTokens', data.output_tokens);
    if (data.gaps) this.of('interToken').observeCells(data.gaps, decode ?? 0);
    this.observe('timePerOutputToken', secondsPerToken(data));
  }

  merge(other: Histograms): void {
    for (const name of NAMES) this.of(name).merge(other.of(name));
  }

  toJSON(): readonly HistogramJson[] {
    return NAMES.map((name) => this.of(name).toJSON());
  }

  private observe(name: HistogramName, value: number | undefined, trace?: Trace): void {
    if (value !== undefined) this.byName[name].observe(value, trace);
  }
}

/** Decode time per token after the first; undefined where there was no other. */
export function secondsPerToken(data: TerminalEvent['data']): number | undefined {
  const rest = (data.output_tokens ?? 0) - 1;
  return data.decode_ms !== undefined && rest > 0 ? data.decode_ms / 1000 / rest : undefined;
}

function difference(later: number | undefined, earlier: number | undefined): number | undefined {
  return later === undefined || earlier === undefined ? undefined : Math.max(0, later - earlier);
}
