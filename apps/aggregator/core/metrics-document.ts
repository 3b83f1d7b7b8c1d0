import {
  ERROR_TYPES,
  LATENCY_BINS,
  type AlertDocument,
  type GpuDocument,
  type MetricsDocument,
  type ModelDocument,
  type ServiceStatus,
  type ThroughputDocument,
  type TtftDocument,
  type WindowName,
} from '#libs/contracts';
import { Figures } from './figures.js';
import { clockOf, gpuDocuments, gpuSummary, latestReadings, liveGateways } from './fleet-gauges.js';
import { figuresBy, peakSince, spanOf, Totals, totalsBy, type GroupBy, type Span } from './fleet-totals.js';
import type { FleetView } from './fleet-view.js';
import type { PartitionState } from './partition-state.js';
import { round } from './round.js';

export const WINDOW_MS: Readonly<Record<Exclude<WindowName, 'all'>, number>> = {
  '1m': 60_000,
  '5m': 300_000,
  '15m': 900_000,
  '1h': 3_600_000,
};

export interface MetricsQuery {
  readonly window: WindowName;
  readonly model?: string;
  readonly tenant?: string;
}

/** Everything one answer is made of, before rounding: the fleet's numbers for a query. */
export interface FleetNumbers {
  readonly query: MetricsQuery;
  readonly totals: Totals;
  readonly figures: Figures;
  readonly span: Span;
  readonly gpu: MetricsDocument['gpu'];
  readonly gpus: readonly GpuDocument[];
}

export interface DocumentContext {
  readonly nowMs: number;
  readonly version: string;
  readonly alerts: readonly AlertDocument[];
  /** True if the view is too old to be believed. */
  readonly stale: boolean;
}

/** Sums the view for a query. */
export function fleetNumbers(view: FleetView, query: MetricsQuery): FleetNumbers {
  const states = view.states('requests');
  const all: GroupBy = (labels) => (matches(labels, query) ? '' : undefined);
  const totals = totalsBy(states, all).get('') ?? new Totals();
  const { span, figuresOf } = windowOf(states, query);
  const figures = query.window === 'all' ? totals.figures : (figuresOf(all).get('') ?? new Figures());
  const gpuStates = view.states('gpus');
  const readings = latestReadings(gpuStates);
  const gpus = gpuDocuments(readings, clockOf(gpuStates).logTimeMs);
  return { query, totals, figures, span, gpu: gpuSummary(readings), gpus };
}

/** The answer of `GET /api/v1/metrics`. Definitions: contracts, sections 1 and 4. */
export function metricsDocument(view: FleetView, query: MetricsQuery, context: DocumentContext): MetricsDocument {
  const states = view.states('requests');
  const numbers = fleetNumbers(view, query);
  const { totals, figures, span, gpu, gpus } = numbers;
  const { logTimeMs, firstTimeMs } = clockOf(states);
  const gateways = liveGateways(states);
  const uptimeSeconds = (logTimeMs - firstTimeMs) / 1000;
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
      peak_concurrent: Math.max(0, ...states.map((state) => state.peakRunning)),
      peak_concurrent_window: peakSince(states, query.window === 'all' ? 0 : span.fromMs),
      ...endsOf(totals),
      ...ratesOf(figures, span),
    },
    tokens: {
      total_input: totals.figures.inputTokens,
      total_output: totals.figures.outputTokens,
      avg_per_request: round(totals.figures.outputTokens / totals.figures.knownUsage, 1),
      unknown_usage_requests: totals.figures.unknownUsage,
    },
    slo: {
      ttft: ttftOf(figures),
      throughput: throughputOf(figures, span),
      sample_size: figures.ttft.count,
      targets: targetsOf(figures, gpu),
    },
    latency: latencyOf(figures),
    latency_histogram: Object.fromEntries(LATENCY_BINS.map((bin, index) => [bin, figures.latencyBins[index] ?? 0])) as never,
    gpu,
    gpus,
    models: modelDocuments(states, query),
    errors: errorsOf(totals.figures),
    alerts: context.alerts,
    alerts_count: context.alerts.length,
    data_quality: {
      reconciled: totals.reconciled,
      lag_seconds: round(view.lagMs / 1000, 1),
      duplicates_dropped: states.reduce((sum, state) => sum + state.duplicates, 0),
      events_missing: states.reduce((sum, state) => sum + state.producers.missing, 0),
      dead_letters: deadLetters([...states, ...view.states('gpus')]),
      live_gateways: gateways.length,
      live_aggregators: view.liveReplicas,
      gpu_reading_age_seconds: Math.max(0, ...gpus.map(({ reading_age_seconds: age }) => age)),
    },
  };
}

function matches(labels: { readonly model: string; readonly tenant: string }, { model, tenant }: MetricsQuery): boolean {
  return (model === undefined || labels.model === model) && (tenant === undefined || labels.tenant === tenant);
}

function windowOf(states: readonly PartitionState[], query: MetricsQuery) {
  const { logTimeMs, firstTimeMs } = clockOf(states);
  const windowMs = query.window === 'all' ? logTimeMs - firstTimeMs : WINDOW_MS[query.window];
  const span = spanOf(logTimeMs, firstTimeMs, windowMs);
  return { span, figuresOf: (groupBy: GroupBy) => figuresBy(states, span.fromMs, groupBy) };
}

function statusOf({ alerts, stale }: DocumentContext, gateways: number): ServiceStatus {
  if (stale || gateways === 0) return 'unknown';
  if (alerts.some(({ level }) => level === 'critical')) return 'critical';
  return alerts.length > 0 ? 'degraded' : 'healthy';
}

function endsOf({ total, figures, lost }: Totals) {
  return { total, successful: figures.successful, failed: figures.failedTotal, cancelled: figures.cancelledTotal, lost };
}

/** Rates of the window; 100 % and 0 % where nothing ended in it. */
export function ratesOf(figures: Figures, span: Span) {
  const ended = figures.successful + figures.failedTotal;
  return {
    success_rate_percent: ended === 0 ? 100 : round((figures.successful / ended) * 100, 1),
    error_rate_percent: ended === 0 ? 0 : round((figures.failedTotal / ended) * 100, 1),
    requests_per_second: round(figures.received / span.seconds, 3),
  };
}

export function ttftOf({ ttft }: Figures): TtftDocument {
  return { mean: round(ttft.mean, 4), p50: round(ttft.quantile(0.5), 4), ...tail(ttft), unit: 'seconds' };
}

export function throughputOf(figures: Figures, span: Span): ThroughputDocument {
  return {
    decoding_mean: round((figures.decodeTokens * 1e6) / figures.decodeMicroseconds, 2),
    decoding_p50: round(figures.decodeRate.quantile(0.5), 2),
    total: round(figures.outputTokens / span.seconds, 2),
    unit: 'tokens/sec',
  };
}

export function latencyOf({ latency }: Figures): MetricsDocument['latency'] {
  const spread = { min: round(latency.min, 4), max: round(latency.max, 4) };
  return { mean: round(latency.mean, 4), p50: round(latency.quantile(0.5), 4), ...tail(latency), ...spread, unit: 'seconds' };
}

function tail(sketch: Figures['ttft']): { readonly p95: number; readonly p99: number } {
  return { p95: round(sketch.quantile(0.95), 4), p99: round(sketch.quantile(0.99), 4) };
}

/** The seed's targets. */
function targetsOf(figures: Figures, gpu: MetricsDocument['gpu']): MetricsDocument['slo']['targets'] {
  const ttft = ttftOf(figures).p95;
  const decoding = round((figures.decodeTokens * 1e6) / figures.decodeMicroseconds, 2);
  const success = ratesOf(figures, { fromMs: 0, seconds: 1 }).success_rate_percent;
  const memory = gpu.utilization_percent;
  return [
    { name: 'ttft_p95', target: '< 1.0 s', value: ttft, met: ttft < 1 },
    { name: 'decoding_throughput', target: '> 3 tok/s', value: decoding, met: figures.decodeTokens === 0 || decoding > 3 },
    { name: 'success_rate', target: '> 99 %', value: success, met: success > 99 },
    { name: 'gpu_memory', target: '< 90 %', value: memory, met: memory < 90 },
  ];
}

function modelDocuments(states: readonly PartitionState[], query: MetricsQuery): readonly ModelDocument[] {
  const byModel: GroupBy = (labels) => (matches(labels, query) ? labels.model : undefined);
  const totals = totalsBy(states, byModel);
  const { span, figuresOf } = windowOf(states, query);
  const windowed = query.window === 'all' ? undefined : figuresOf(byModel);
  return [...totals]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([model, of]) => {
      const figures = windowed ? (windowed.get(model) ?? new Figures()) : of.figures;
      return {
        model,
        waiting: of.waiting,
        running: of.running,
        ...endsOf(of),
        input_tokens: of.figures.inputTokens,
        output_tokens: of.figures.outputTokens,
        ttft: ttftOf(figures),
        throughput: throughputOf(figures, span),
      };
    });
}

export function errorsOf(figures: Figures): MetricsDocument['errors'] {
  const counted = ERROR_TYPES.map((type, index) => [type, figures.failed[index] ?? 0] as const);
  return { total: figures.failedTotal, by_type: Object.fromEntries(counted.filter(([, count]) => count > 0)) };
}

function deadLetters(states: readonly PartitionState[]): number {
  return states.reduce((sum, state) => [...state.undecodable.values()].reduce((inner, count) => inner + count, sum), 0);
}

function human(totalSeconds: number): string {
  const minutes = Math.floor(totalSeconds / 60);
  return `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
}
