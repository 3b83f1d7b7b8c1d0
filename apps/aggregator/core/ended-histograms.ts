import { ERROR_TYPES, PER_TOKEN_EDGES_SECONDS, TTFT_EDGES_SECONDS } from '#libs/contracts';
import type { Trace } from './exemplar.js';
import { GEN_AI_DURATION_EDGES, Histogram, secondsPerToken, type HistogramJson } from './histograms.js';
import { seconds, type TerminalEvent } from './measure.js';

export type EndedJson = readonly [
  ttft: HistogramJson,
  timePerOutputToken: HistogramJson,
  duration: HistogramJson,
  failed: readonly (HistogramJson | null)[],
];

/**
 * The histograms of one series that tell successful requests from failed ones, as OpenTelemetry's conventions do. Failed are all that the
 * gateway answered with an error, those that never reached the upstream too. What the client gave up is in none of them.
 */
export class EndedHistograms {
  /** Of successful streams. */
  readonly ttft: Histogram;
  readonly timePerOutputToken: Histogram;
  /** Of successful requests. */
  readonly duration: Histogram;
  /** Durations of failed ones, indexed as ERROR_TYPES; made with the first. */
  readonly failed: (Histogram | undefined)[];

  constructor([ttft, timePerOutputToken, duration, failed]: EndedJson | readonly [] = []) {
    this.ttft = new Histogram(TTFT_EDGES_SECONDS, ttft);
    this.timePerOutputToken = new Histogram(PER_TOKEN_EDGES_SECONDS, timePerOutputToken);
    this.duration = new Histogram(GEN_AI_DURATION_EDGES, duration);
    this.failed = (failed ?? []).map((json) => (json ? new Histogram(GEN_AI_DURATION_EDGES, json) : undefined));
  }

  addEnded(event: TerminalEvent, trace?: Trace): void {
    if (event.type === 'io.inferometer.request.completed.v1') this.addCompleted(event.data, trace);
    else if (event.type === 'io.inferometer.request.failed.v1') {
      const { error_type: type, duration_ms: durationMs } = event.data;
      if (durationMs !== undefined) this.failedWith(ERROR_TYPES.indexOf(type)).observe(durationMs / 1000, trace);
    }
  }

  merge(other: EndedHistograms): void {
    this.ttft.merge(other.ttft);
    this.timePerOutputToken.merge(other.timePerOutputToken);
    this.duration.merge(other.duration);
    for (const [type, durations] of other.failed.entries()) if (durations) this.failedWith(type).merge(durations);
  }

  toJSON(): EndedJson {
    const failed = Array.from(this.failed, (durations) => durations?.toJSON() ?? null);
    return [this.ttft.toJSON(), this.timePerOutputToken.toJSON(), this.duration.toJSON(), failed];
  }

  private addCompleted(data: TerminalEvent['data'], trace: Trace | undefined): void {
    const ttft = data.stream ? seconds(data.ttft_ms) : undefined;
    const perToken = secondsPerToken(data);
    if (ttft !== undefined) this.ttft.observe(ttft, trace);
    if (perToken !== undefined) this.timePerOutputToken.observe(perToken);
    if (data.duration_ms !== undefined) this.duration.observe(data.duration_ms / 1000, trace);
  }

  private failedWith(type: number): Histogram {
    return (this.failed[type] ??= new Histogram(GEN_AI_DURATION_EDGES));
  }
}
