import type { ErrorType } from './error-types.js';

export const WINDOW_NAMES = ['1m', '5m', '15m', '1h', 'all'] as const;
export type WindowName = (typeof WINDOW_NAMES)[number];
export const LATENCY_BINS = ['0-100ms', '100-500ms', '500-1000ms', '1-2s', '2-5s', '5-10s', '>10s'] as const;

export type AlertLevel = 'warning' | 'critical';
export type AlertState = 'inactive' | 'pending' | 'firing' | 'resolved' | 'unknown';
export type ServiceStatus = 'healthy' | 'degraded' | 'critical' | 'unknown';

export interface AlertDocument {
  readonly name: string;
  readonly level: AlertLevel;
  readonly message: string;
  readonly metric: string;
  readonly value: number;
  readonly threshold: number;
  readonly state: AlertState;
  /** When the alert entered this state, RFC 3339. */
  readonly since: string;
}

/** One GPU's latest reading; what the driver does not give is absent. */
export interface GpuDocument {
  readonly host: string;
  readonly uuid: string;
  readonly index: number;
  readonly name: string;
  readonly vendor: string;
  readonly allocated_gb: number;
  readonly total_gb: number;
  readonly free_gb: number;
  /** Memory used / memory total × 100. */
  readonly utilization_percent: number;
  readonly compute_utilization_percent?: number;
  readonly temperature_celsius?: number;
  readonly power_watts?: number;
  readonly energy_joules?: number;
  readonly driver_version?: string;
  readonly reading_age_seconds: number;
}

export interface TtftDocument {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly unit: 'seconds';
}

export interface ThroughputDocument {
  readonly decoding_mean: number;
  readonly decoding_p50: number;
  /** Output tokens of the window / window length. */
  readonly total: number;
  readonly unit: 'tokens/sec';
}

export interface ModelDocument {
  readonly model: string;
  readonly waiting: number;
  readonly running: number;
  readonly total: number;
  readonly successful: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly lost: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly ttft: TtftDocument;
  readonly throughput: ThroughputDocument;
}

/**
 * The answer of `GET /api/v1/metrics`. Every field is always there and every number is a number: with no data, rates are 100 and 0,
 * statistics 0. Counts and token sums run since the counters began; rates, percentiles, throughput and latency cover `window`.
 */
export interface MetricsDocument {
  readonly timestamp: string;
  readonly service: 'inferometer';
  readonly version: string;
  readonly status: ServiceStatus;
  /** Time since the counters began, by the log's clock. */
  readonly uptime: { readonly seconds: number; readonly human: string };
  readonly window: { readonly name: WindowName; readonly seconds: number };
  readonly requests: {
    readonly waiting: number;
    readonly running: number;
    readonly max_concurrent: number;
    readonly peak_concurrent: number;
    readonly peak_concurrent_window: number;
    readonly total: number;
    readonly successful: number;
    readonly failed: number;
    readonly cancelled: number;
    readonly lost: number;
    readonly success_rate_percent: number;
    readonly error_rate_percent: number;
    readonly requests_per_second: number;
  };
  readonly tokens: {
    readonly total_input: number;
    readonly total_output: number;
    readonly avg_per_request: number;
    readonly unknown_usage_requests: number;
  };
  readonly slo: {
    readonly ttft: TtftDocument;
    readonly throughput: ThroughputDocument;
    /** Requests with a TTFT in the window. */
    readonly sample_size: number;
    readonly targets: readonly { readonly name: string; readonly target: string; readonly value: number; readonly met: boolean }[];
  };
  readonly latency: {
    readonly mean: number;
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly min: number;
    readonly max: number;
    readonly unit: 'seconds';
  };
  readonly latency_histogram: Readonly<Record<(typeof LATENCY_BINS)[number], number>>;
  readonly gpu: {
    readonly name: string;
    readonly allocated_gb: number;
    readonly total_gb: number;
    readonly free_gb: number;
    readonly utilization_percent: number;
  };
  readonly gpus: readonly GpuDocument[];
  readonly models: readonly ModelDocument[];
  readonly errors: { readonly total: number; readonly by_type: Readonly<Partial<Record<ErrorType, number>>> };
  /** The alerts that are firing. */
  readonly alerts: readonly AlertDocument[];
  readonly alerts_count: number;
  readonly data_quality: {
    /** The conservation law holds, and no record was gone before it could be read. */
    readonly reconciled: boolean;
    readonly lag_seconds: number;
    readonly duplicates_dropped: number;
    readonly events_missing: number;
    /** Records that were gone from the topics before an aggregator could read them. */
    readonly state_gap_events: number;
    /** How often a partition's counters began anew because its topic had been replaced. */
    readonly topics_replaced: number;
    /** Events that gateways dropped because the log was away and their spool full, and events that wait in spools now. */
    readonly events_dropped: number;
    readonly spooled: number;
    readonly dead_letters: number;
    readonly live_gateways: number;
    readonly live_aggregators: number;
    readonly gpu_reading_age_seconds: number;
  };
}
