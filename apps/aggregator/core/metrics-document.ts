import {
  ERROR_TYPES,
  LATENCY_BINS,
  type AlertDocument,
  type MetricsDocument,
  type ModelDocument,
  type ServiceStatus,
  type ThroughputDocument,
  type TtftDocument,
} from '#libs/contracts';
import type { Counts } from './counts.js';
import { Figures } from './figures.js';
import { droppedEvents, gpuDocuments, gpuSummary, liveGateways, memoryPercent } from './fleet-gauges.js';
import { WINDOW_MS, type FleetNumbers } from './fleet-numbers.js';
import type { Span, Totals } from './fleet-totals.js';
import type { FleetView } from './fleet-view.js';
import type { PartitionState } from './partition-state.js';
import { round } from './round.js';

export interface DocumentContext {
  readonly nowMs: number;
  readonly version: string;
  readonly alerts: readonly AlertDocument[];
  /** True if the view is too old to be believed. */
  readonly stale: boolean;
}

/** The answer of `GET /api/v1/metrics` from the numbers of its query. Definitions: contracts, sections 1 and 4. */
export function metricsDocument(view: FleetView, numbers: FleetNumbers, context: DocumentContext): MetricsDocument {
  const { query, clock, totals, figures, span } = numbers;
  const gateways = liveGateways(view.states('requests'));
  const uptimeSeconds = (clock.logTimeMs - clock.firstTimeMs) / 1000;
  const gpus = gpuDocuments(numbers.gpus, numbers.gpuClock.logTimeMs);
  return {
    timestamp: new Date(context.nowMs).toISOString(),
    service: 'inferometer',
    version: context.version,
    status: statusOf(context, gateways.length),
    uptime: { seconds: round(uptimeSeconds, 1), human: human(uptimeSeconds) },
    window: { name: query.window, seconds: query.window === 'all' ? round(uptimeSeconds, 1) : WINDOW_MS[query.window] / 1000 },
    requests: {
      waiting: totals.waiting,
      running: totals.running,
      max_concurrent: gateways.reduce((sum, gateway) => sum + gateway.max_concurrent, 0),
      peak_concurrent: numbers.peakRunning,
      peak_concurrent_window: numbers.windowPeakRunning,
      ...endsOf(totals),
      ...ratesOf(figures, span),
    },
    tokens: tokensOf(totals.counts),
    slo: {
      ttft: ttftOf(figures),
      throughput: throughputOf(figures, span),
      sample_size: figures.ttft.count,
      targets: targetsOf(numbers),
    },
    latency: latencyOf(figures),
    latency_histogram: Object.fromEntries(LATENCY_BINS.map((bin, index) => [bin, figures.latencyBins[index] ?? 0])) as never,
    gpu: gpuSummary(numbers.gpus),
    gpus,
    models: modelDocuments(numbers),
    errors: errorsOf(totals.counts),
    alerts: context.alerts,
    alerts_count: context.alerts.length,
    data_quality: {
      ...qualityOf(view, totals),
      events_dropped: droppedEvents(view.states('requests')),
      spooled: gateways.reduce((sum, gateway) => sum + gateway.spooled, 0),
      live_gateways: gateways.length,
      live_aggregators: view.liveReplicas,
      gpu_reading_age_seconds: Math.max(0, ...gpus.map(({ reading_age_seconds: age }) => age)),
    },
  };
}

function statusOf({ alerts, stale }: DocumentContext, gateways: number): ServiceStatus {
  if (alerts.some(({ level }) => level === 'critical')) return 'critical';
  if (alerts.length > 0) return 'degraded';
  return stale || gateways === 0 ? 'unknown' : 'healthy';
}

function endsOf({ total, counts, lost }: Totals) {
  return { total, successful: counts.successful, failed: counts.failedTotal, cancelled: counts.cancelledTotal, lost };
}

/** Rates of the window; 100 % and 0 % where nothing ended in it. */
function ratesOf(counts: Counts, span: Span) {
  return {
    success_rate_percent: round(successRatePercent(counts), 1),
    error_rate_percent: round(errorRatePercent(counts), 1),
    requests_per_second: round(counts.received / span.seconds, 3),
  };
}

function successRatePercent({ successful, failedTotal }: Counts): number {
  return successful + failedTotal === 0 ? 100 : (successful / (successful + failedTotal)) * 100;
}

/** Failed of all that succeeded or failed; 0 where nothing did. */
export function errorRatePercent({ successful, failedTotal }: Counts): number {
  return successful + failedTotal === 0 ? 0 : (failedTotal / (successful + failedTotal)) * 100;
}

function tokensOf({ inputTokens, outputTokens, knownUsage, unknownUsage }: Counts): MetricsDocument['tokens'] {
  return {
    total_input: inputTokens,
    total_output: outputTokens,
    avg_per_request: round(outputTokens / knownUsage, 1),
    unknown_usage_requests: unknownUsage,
  };
}

function ttftOf({ ttft }: Figures): TtftDocument {
  return { mean: round(ttft.mean, 4), p50: round(ttft.quantile(0.5), 4), ...tail(ttft), unit: 'seconds' };
}

function throughputOf(figures: Figures, span: Span): ThroughputDocument {
  return {
    decoding_mean: round(decodingMean(figures), 2),
    decoding_p50: round(figures.decodeRate.quantile(0.5), 2),
    total: round(figures.outputTokens / span.seconds, 2),
    unit: 'tokens/sec',
  };
}

/** Σ(tokens − 1) / Σ(decode time), in tokens per second; NaN without a stream. */
function decodingMean({ decodeTokens, decodeMicroseconds }: Counts): number {
  return (decodeTokens * 1e6) / decodeMicroseconds;
}

function latencyOf({ latency }: Figures): MetricsDocument['latency'] {
  const spread = { min: round(latency.min, 4), max: round(latency.max, 4) };
  return { mean: round(latency.mean, 4), p50: round(latency.quantile(0.5), 4), ...tail(latency), ...spread, unit: 'seconds' };
}

function tail(sketch: Figures['ttft']): { readonly p95: number; readonly p99: number } {
  return { p95: round(sketch.quantile(0.95), 4), p99: round(sketch.quantile(0.99), 4) };
}

/** The seed's targets. What was not measured is met; what was is compared before it is rounded. */
function targetsOf({ figures, gpus }: FleetNumbers): MetricsDocument['slo']['targets'] {
  const ttft = figures.ttft.quantile(0.95) ?? 0;
  const decoding = decodingMean(figures);
  const success = successRatePercent(figures);
  const memory = memoryPercent(gpus);
  return [
    { name: 'ttft_p95', target: '< 1.0 s', value: round(ttft, 4), met: ttft < 1 },
    { name: 'decoding_throughput', target: '> 3 tok/s', value: round(decoding, 2), met: Number.isNaN(decoding) || decoding > 3 },
    { name: 'success_rate', target: '> 99 %', value: round(success, 1), met: success > 99 },
    { name: 'gpu_memory', target: '< 90 %', value: round(memory, 1), met: memory < 90 },
  ];
}

function modelDocuments({ totalsByModel, figuresByModel, span }: FleetNumbers): readonly ModelDocument[] {
  const sorted = [...totalsByModel].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([model, totals]) => {
    const figures = figuresByModel.get(model) ?? new Figures();
    return {
      model,
      waiting: totals.waiting,
      running: totals.running,
      ...endsOf(totals),
      input_tokens: totals.counts.inputTokens,
      output_tokens: totals.counts.outputTokens,
      ttft: ttftOf(figures),
      throughput: throughputOf(figures, span),
    };
  });
}

function errorsOf(counts: Counts): MetricsDocument['errors'] {
  const counted = ERROR_TYPES.map((type, index) => [type, counts.failed[index] ?? 0] as const);
  return { total: counts.failedTotal, by_type: Object.fromEntries(counted.filter(([, count]) => count > 0)) };
}

function qualityOf(view: FleetView, { reconciled }: Totals) {
  const states = view.states('requests');
  const all = [...states, ...view.states('gpus')];
  const gapEvents = all.reduce((sum, state) => sum + state.gapEvents, 0);
  return {
    reconciled: reconciled && gapEvents === 0,
    lag_seconds: round(view.lagMs / 1000, 1),
    duplicates_dropped: states.reduce((sum, state) => sum + state.duplicates, 0),
    events_missing: states.reduce((sum, state) => sum + state.producers.missing, 0),
    state_gap_events: gapEvents,
    topics_replaced: all.reduce((sum, state) => sum + state.origin.replaced, 0),
    dead_letters: deadLetters(all),
  };
}

function deadLetters(states: readonly PartitionState[]): number {
  return states.reduce((sum, state) => [...state.undecodable.values()].reduce((inner, count) => inner + count, sum), 0);
}

function human(totalSeconds: number): string {
  const minutes = Math.floor(totalSeconds / 60);
  return `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
}
