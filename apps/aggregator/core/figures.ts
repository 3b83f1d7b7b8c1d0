import { CANCEL_PHASES, cellOf, ERROR_TYPES } from '#libs/contracts';
import { QuantileSketch } from '#libs/sketch';
import type { Measured, TerminalEvent } from './measure.js';

/** Upper bounds of the seed's latency histogram, in seconds. */
const LATENCY_BIN_EDGES = [0.1, 0.5, 1, 2, 5, 10] as const;

export type FiguresJson = readonly [
  counts: readonly number[],
  failed: readonly number[],
  cancelled: readonly number[],
  latencyBins: readonly number[],
  sketches: readonly string[],
];

/** Counts, sums and sketches of requests: of one series for ever, or within one bucket of time. Everything in it is additive. */
export class Figures {
  received = 0;
  successful = 0;
  inputTokens = 0;
  outputTokens = 0;
  cachedTokens = 0;
  reasoningTokens = 0;
  /** Ended requests whose output tokens are known. */
  knownUsage = 0;
  unknownUsage = 0;
  /** Σ(tokens − 1) and Σ(decode time) of streamed requests, in tokens and whole microseconds. */
  decodeTokens = 0;
  decodeMicroseconds = 0;
  /** Indexed as ERROR_TYPES, CANCEL_PHASES and LATENCY_BINS. */
  readonly failed: number[] = ERROR_TYPES.map(() => 0);
  readonly cancelled: number[] = CANCEL_PHASES.map(() => 0);
  readonly latencyBins: number[] = [...LATENCY_BIN_EDGES, Infinity].map(() => 0);
  /** Seconds, seconds, tokens per second, tokens per second. */
  ttft = new QuantileSketch();
  latency = new QuantileSketch();
  decodeRate = new QuantileSketch();
  unstreamedRate = new QuantileSketch();

  addEnded(event: TerminalEvent, measured: Measured): void {
    this.countEnd(event);
    this.addTokens(measured);
    if (measured.ttftSeconds !== undefined) this.ttft.add(measured.ttftSeconds);
    if (measured.latencySeconds !== undefined) {
      this.latency.add(measured.latencySeconds);
      this.latencyBins[cellOf(LATENCY_BIN_EDGES, measured.latencySeconds)]! += 1;
    }
    if (measured.decode) {
      this.decodeTokens += measured.decode.tokens;
      this.decodeMicroseconds += measured.decode.microseconds;
      this.decodeRate.add((measured.decode.tokens * 1e6) / measured.decode.microseconds);
    }
    if (measured.unstreamedRate !== undefined) this.unstreamedRate.add(measured.unstreamedRate);
  }

  merge(other: Figures): void {
    const added = other.counts();
    this.setCounts(this.counts().map((count, index) => count + added[index]!));
    addEach(this.failed, other.failed);
    addEach(this.cancelled, other.cancelled);
    addEach(this.latencyBins, other.latencyBins);
    const theirs = other.sketches();
    this.sketches().forEach((sketch, index) => sketch.merge(theirs[index]!));
  }

  get failedTotal(): number {
    return total(this.failed);
  }

  get cancelledTotal(): number {
    return total(this.cancelled);
  }

  toJSON(): FiguresJson {
    const sketches = this.sketches().map((sketch) => Buffer.from(sketch.encode()).toString('base64'));
    return [this.counts(), this.failed, this.cancelled, this.latencyBins, sketches];
  }

  static fromJSON([counts, failed, cancelled, latencyBins, sketches]: FiguresJson): Figures {
    const figures = new Figures();
    figures.setCounts(counts);
    addEach(figures.failed, failed);
    addEach(figures.cancelled, cancelled);
    addEach(figures.latencyBins, latencyBins);
    const decoded = sketches.map((text) => QuantileSketch.decode(Buffer.from(text, 'base64')));
    [figures.ttft, figures.latency, figures.decodeRate, figures.unstreamedRate] = decoded as [
      QuantileSketch,
      QuantileSketch,
      QuantileSketch,
      QuantileSketch,
    ];
    return figures;
  }

  private countEnd(event: TerminalEvent): void {
    if (event.type === 'io.inferometer.request.completed.v1') this.successful += 1;
    else if ('error_type' in event.data) this.failed[ERROR_TYPES.indexOf(event.data.error_type)]! += 1;
    else if ('phase' in event.data) this.cancelled[CANCEL_PHASES.indexOf(event.data.phase)]! += 1;
  }

  private addTokens(measured: Measured): void {
    this.inputTokens += measured.inputTokens ?? 0;
    this.outputTokens += measured.outputTokens ?? 0;
    this.cachedTokens += measured.cachedTokens ?? 0;
    this.reasoningTokens += measured.reasoningTokens ?? 0;
    if (measured.outputTokens !== undefined) this.knownUsage += 1;
    else if (measured.unknownUsage) this.unknownUsage += 1;
  }

  private sketches(): readonly [QuantileSketch, QuantileSketch, QuantileSketch, QuantileSketch] {
    return [this.ttft, this.latency, this.decodeRate, this.unstreamedRate];
  }

  private counts(): number[] {
    return [
      this.received,
      this.successful,
      this.inputTokens,
      this.outputTokens,
      this.cachedTokens,
      this.reasoningTokens,
      this.knownUsage,
      this.unknownUsage,
      this.decodeTokens,
      this.decodeMicroseconds,
    ];
  }

  private setCounts(counts: readonly number[]): void {
    [
      this.received,
      this.successful,
      this.inputTokens,
      this.outputTokens,
      this.cachedTokens,
      this.reasoningTokens,
      this.knownUsage,
      this.unknownUsage,
      this.decodeTokens,
      this.decodeMicroseconds,
    ] = counts as [number, number, number, number, number, number, number, number, number, number];
  }
}

export function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Adds `counts` to `into`, cell by cell. */
export function addEach(into: number[], counts: readonly number[]): void {
  counts.forEach((count, index) => {
    into[index] = (into[index] ?? 0) + count;
  });
}
