import type { AlertDocument, GpuDocument, MetricsDocument } from '#libs/contracts';

/** The state that the first users know from their own dashboard, for specs. */
export function fakeDocument(changes: Partial<MetricsDocument> = {}): MetricsDocument {
  return { ...SEED, ...changes };
}

/** A GPU with 80 GB, for specs. */
export function fakeGpu(index: number, allocatedGb: number, host = 'node-a'): GpuDocument {
  return {
    host,
    uuid: `GPU-${index}`,
    index,
    name: 'NVIDIA H100 80GB HBM3',
    vendor: 'nvidia',
    allocated_gb: allocatedGb,
    total_gb: 80,
    free_gb: 80 - allocatedGb,
    utilization_percent: allocatedGb / 0.8,
    reading_age_seconds: 0.5,
  };
}

/** An alert that has been firing for 65 s when `fakeDocument` is made, for specs. */
export function fakeAlert(changes: Partial<AlertDocument> = {}): AlertDocument {
  return {
    name: 'queue_too_long',
    level: 'warning',
    message: '7 requests are waiting, more than 5',
    metric: 'num_waiting_requests',
    value: 7,
    threshold: 5,
    state: 'firing',
    since: '2026-01-01T11:58:55.000Z',
    ...changes,
  };
}

const SEED: MetricsDocument = {
  timestamp: '2026-01-01T12:00:00.000Z',
  service: 'inferometer',
  version: '1.0.0',
  status: 'healthy',
  uptime: { seconds: 117.3, human: '0h 1m' },
  window: { name: '5m', seconds: 300 },
  requests: {
    waiting: 0,
    running: 1,
    max_concurrent: 3,
    peak_concurrent: 1,
    peak_concurrent_window: 1,
    total: 15,
    successful: 14,
    failed: 0,
    cancelled: 0,
    lost: 0,
    success_rate_percent: 100,
    error_rate_percent: 0,
    requests_per_second: 0.05,
  },
  tokens: { total_input: 135, total_output: 215, avg_per_request: 14.3, unknown_usage_requests: 0 },
  slo: {
    ttft: { mean: 0.68, p50: 0.65, p95: 0.85, p99: 0.92, unit: 'seconds' },
    throughput: { decoding_mean: 3.2, decoding_p50: 3.1, total: 2.9, unit: 'tokens/sec' },
    sample_size: 14,
    targets: [
      { name: 'ttft_p95', target: '< 1.0 s', value: 0.85, met: true },
      { name: 'decoding_throughput', target: '> 3 tok/s', value: 3.2, met: true },
    ],
  },
  latency: { mean: 4.6, p50: 4.09, p95: 6.26, p99: 6.26, min: 3.46, max: 6.26, unit: 'seconds' },
  latency_histogram: { '0-100ms': 0, '100-500ms': 0, '500-1000ms': 0, '1-2s': 0, '2-5s': 9, '5-10s': 5, '>10s': 0 },
  gpu: { name: 'NVIDIA GeForce RTX 3080', allocated_gb: 7.64, total_gb: 9.64, free_gb: 2, utilization_percent: 79.3 },
  gpus: [],
  models: [],
  errors: { total: 0, by_type: {} },
  alerts: [],
  alerts_count: 0,
  data_quality: {
    reconciled: true,
    lag_seconds: 0.4,
    duplicates_dropped: 0,
    state_gap_events: 0,
    topics_replaced: 0,
    events_dropped: 0,
    spooled: 0,
    events_missing: 0,
    dead_letters: 0,
    live_gateways: 1,
    live_aggregators: 1,
    gpu_reading_age_seconds: 0.8,
  },
};
