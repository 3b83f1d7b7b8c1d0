import { CANCEL_PHASES, cellOf, ERROR_TYPES } from '#libs/contracts';
import type { Measured, TerminalEvent } from './measure.js';

/** Upper bounds of the seed's latency histogram, in seconds. */
const LATENCY_BIN_EDGES = [0.1, 0.5, 1, 2, 5, 10] as const;

export type CountsJson = readonly [
  counts: readonly number[],
  failed: readonly number[],
  cancelled: readonly number[],
  latencyBins: readonly number[],
];

/** Counts and sums of requests. Everything in it is additive. */
export class Counts {
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

  addCounts(other: Counts): void {
    this.received += other.received;
    this.successful += other.successful;
    this.inputTokens += other.inputTokens;
    this.outputTokens += other.outputTokens;
    this.cachedTokens += other.cachedTokens;
    this.reasoningTokens += other.reasoningTokens;
    this.knownUsage += other.knownUsage;
    this.unknownUsage += other.unknownUsage;
    this.decodeTokens += other.decodeTokens;
    this.decodeMicroseconds += other.decodeMicroseconds;
    addEach(this.failed, other.failed);
    addEach(this.cancelled, other.cancelled);
    addEach(this.latencyBins, other.latencyBins);
  }

  get failedTotal(): number {
    return total(this.failed);
  }

  get cancelledTotal(): number {
    return total(this.cancelled);
  }

  protected countEnded(event: TerminalEvent, measured: Measured): void {
    this.countEnd(event);
    this.countTokens(measured);
    if (measured.latencySeconds !== undefined) this.latencyBins[cellOf(LATENCY_BIN_EDGES, measured.latencySeconds)]! += 1;
    if (!measured.decode) return;
    this.decodeTokens += measured.decode.tokens;
    this.decodeMicroseconds += measured.decode.microseconds;
  }

  protected countsJson(): CountsJson {
    const counts = [
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
    return [counts, this.failed, this.cancelled, this.latencyBins];
  }

  protected setCounts([counts, failed, cancelled, latencyBins]: CountsJson): void {
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
    addEach(this.failed, failed);
    addEach(this.cancelled, cancelled);
    addEach(this.latencyBins, latencyBins);
  }

  private countEnd(event: TerminalEvent): void {
    if (event.type === 'io.inferometer.request.completed.v1') this.successful += 1;
    else if (event.type === 'io.inferometer.request.failed.v1') this.failed[ERROR_TYPES.indexOf(event.data.error_type)]! += 1;
    else this.cancelled[CANCEL_PHASES.indexOf(event.data.phase)]! += 1;
  }

  private countTokens(measured: Measured): void {
    this.inputTokens += measured.inputTokens ?? 0;
    this.outputTokens += measured.outputTokens ?? 0;
    this.cachedTokens += measured.cachedTokens ?? 0;
    this.reasoningTokens += measured.reasoningTokens ?? 0;
    if (measured.outputTokens !== undefined) this.knownUsage += 1;
    else if (measured.unknownUsage) this.unknownUsage += 1;
  }
}

export function total(counts: readonly number[]): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}

/** Adds `counts` to `into`, cell by cell. */
export function addEach(into: number[], counts: readonly number[]): void {
  for (let index = 0; index < counts.length; index += 1) into[index] = (into[index] ?? 0) + counts[index]!;
}
