import { addEach } from './counts.js';
import type { Trace } from './exemplar.js';
import { Histograms, type HistogramJson } from './histograms.js';
import { FINISHED_REASONS, finishedReasonOf, type TerminalEvent } from './measure.js';

export type EngineJson = readonly [
  finished: readonly number[],
  cached: readonly [requests: number, queries: number, hits: number],
  histograms: readonly HistogramJson[],
];

/** What vLLM's names tell of one series at one upstream: of every request that reached it. */
export class EngineFigures {
  /** By vLLM's `finished_reason`; indexed as FINISHED_REASONS. */
  readonly finished: number[] = FINISHED_REASONS.map(() => 0);
  /** Requests of which the upstream said how much of the prompt it had cached, their prompt tokens, and the cached ones among these. */
  cachedRequests = 0;
  cacheQueries = 0;
  cacheHits = 0;
  readonly histograms: Histograms;

  constructor(json?: EngineJson) {
    if (!json) {
      this.histograms = new Histograms();
      return;
    }
    addEach(this.finished, json[0]);
    [this.cachedRequests, this.cacheQueries, this.cacheHits] = json[1];
    this.histograms = new Histograms(json[2]);
  }

  addEnded(event: TerminalEvent, trace?: Trace): void {
    const { input_tokens: input, cached_input_tokens: cached } = event.data;
    this.finished[FINISHED_REASONS.indexOf(finishedReasonOf(event))]! += 1;
    this.histograms.addEnded(event, trace);
    if (cached === undefined || input === undefined) return;
    this.cachedRequests += 1;
    this.cacheQueries += input;
    this.cacheHits += cached;
  }

  merge(other: EngineFigures): void {
    addEach(this.finished, other.finished);
    this.cachedRequests += other.cachedRequests;
    this.cacheQueries += other.cacheQueries;
    this.cacheHits += other.cacheHits;
    this.histograms.merge(other.histograms);
  }

  toJSON(): EngineJson {
    return [this.finished, [this.cachedRequests, this.cacheQueries, this.cacheHits], this.histograms.toJSON()];
  }
}
