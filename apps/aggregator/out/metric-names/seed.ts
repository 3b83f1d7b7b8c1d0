import { ERROR_TYPES, type GpuDocument, type MetricsDocument } from '#libs/contracts';
import type { MetricSet, Told, ValueMetric, ValuePoint } from './metric.js';

/** Said in HELP of every gauge that is a statistic of the default window. */
const WINDOW = 'over the last 5 minutes';

/** One number of the whole fleet. */
function plain(
  name: string,
  type: 'counter' | 'gauge',
  unit: string,
  help: string,
  value: (document: MetricsDocument) => number,
  formula?: string,
): ValueMetric {
  const read = ({ document }: Told): readonly ValuePoint[] => [[[], value(document)]];
  return { name, type, unit, labels: [], help, read, ...(formula !== undefined && { formula }) };
}

/** One number of each GPU. Where the same place names several (one was replaced), the one heard of last is shown. */
function ofGpu(name: string, unit: string, help: string, value: (gpu: GpuDocument) => number): ValueMetric {
  const read = ({ document }: Told): readonly ValuePoint[] => {
    const byPlace = new Map<string, GpuDocument>();
    for (const gpu of document.gpus) {
      const key = JSON.stringify([gpu.host, gpu.index, gpu.name]);
      if (gpu.reading_age_seconds <= (byPlace.get(key)?.reading_age_seconds ?? Infinity)) byPlace.set(key, gpu);
    }
    return Array.from(byPlace.values(), (gpu) => [[String(gpu.index), gpu.name, gpu.host], value(gpu)]);
  };
  return { name, type: 'gauge', unit, labels: ['gpu', 'name', 'host'], help, read };
}

/** Names of counters lack `_total`, and `gb` means bytes / 1024³: rules and dashboards that exist ask for them as they are. */
export const SEED_METRICS: MetricSet = {
  title: 'The fleet at a glance (`vllm_…`)',
  source: 'the names that the built-in alert rules and dashboards of earlier monitors read; fixed',
  isDotted: false,
  metrics: [
    plain('vllm_num_waiting_requests', 'gauge', '{request}', 'Requests held in a gateway queue.', ({ requests }) => requests.waiting),
    plain(
      'vllm_num_running_requests',
      'gauge',
      '{request}',
      'Requests sent to an upstream and not finished with.',
      ({ requests }) => requests.running,
    ),
    plain(
      'vllm_peak_concurrent_requests',
      'gauge',
      '{request}',
      'Greatest number of running requests seen.',
      ({ requests }) => requests.peak_concurrent,
    ),
    plain('vllm_total_requests', 'counter', '{request}', 'Requests received, whatever became of them.', ({ requests }) => requests.total),
    plain('vllm_successful_requests', 'counter', '{request}', 'Requests that ended well.', ({ requests }) => requests.successful),
    plain('vllm_failed_requests', 'counter', '{request}', 'Requests rejected, broken or timed out.', ({ requests }) => requests.failed),
    plain('vllm_cancelled_requests', 'counter', '{request}', 'Requests whose client hung up first.', ({ requests }) => requests.cancelled),
    plain(
      'vllm_lost_requests',
      // Not a counter: a lost request whose end is told after all is lost no more.
      'gauge',
      '{request}',
      'Requests whose gateway died before saying how they ended.',
      ({ requests }) => requests.lost,
      'total = successful + failed + cancelled + lost + waiting + running',
    ),
    plain(
      'vllm_success_rate_percent',
      'gauge',
      '%',
      `Successful of all successful and failed requests ${WINDOW}.`,
      ({ requests }) => requests.success_rate_percent,
      'successful / (successful + failed) × 100; 100 where nothing ended',
    ),
    plain(
      'vllm_error_rate_percent',
      'gauge',
      '%',
      `Failed of all successful and failed requests ${WINDOW}.`,
      ({ requests }) => requests.error_rate_percent,
      'failed / (successful + failed) × 100; 0 where nothing ended',
    ),
    plain(
      'vllm_requests_per_second',
      'gauge',
      '{request}/s',
      `Requests received per second ${WINDOW}.`,
      ({ requests }) => requests.requests_per_second,
    ),
    plain('vllm_ttft_mean', 'gauge', 's', `Mean time to first token in seconds ${WINDOW}.`, ({ slo }) => slo.ttft.mean),
    plain('vllm_ttft_p50', 'gauge', 's', `Median time to first token in seconds ${WINDOW}.`, ({ slo }) => slo.ttft.p50),
    plain('vllm_ttft_p95', 'gauge', 's', `95th percentile of the time to first token in seconds ${WINDOW}.`, ({ slo }) => slo.ttft.p95),
    plain('vllm_ttft_p99', 'gauge', 's', `99th percentile of the time to first token in seconds ${WINDOW}.`, ({ slo }) => slo.ttft.p99),
    plain(
      'vllm_decoding_throughput_mean',
      'gauge',
      '{token}/s',
      `Decoded tokens per second of a stream, mean ${WINDOW}.`,
      ({ slo }) => slo.throughput.decoding_mean,
      'Σ(tokens − 1) / Σ(decode time)',
    ),
    plain(
      'vllm_decoding_throughput_p50',
      'gauge',
      '{token}/s',
      `Decoded tokens per second of a stream, median ${WINDOW}.`,
      ({ slo }) => slo.throughput.decoding_p50,
    ),
    plain(
      'vllm_total_throughput',
      'gauge',
      '{token}/s',
      `Output tokens per second of the whole fleet ${WINDOW}.`,
      ({ slo }) => slo.throughput.total,
    ),
    plain('vllm_latency_mean', 'gauge', 's', `Mean latency of successful requests in seconds ${WINDOW}.`, ({ latency }) => latency.mean),
    plain('vllm_latency_p50', 'gauge', 's', `Median latency of successful requests in seconds ${WINDOW}.`, ({ latency }) => latency.p50),
    plain('vllm_latency_p95', 'gauge', 's', `95th percentile of the latency in seconds ${WINDOW}.`, ({ latency }) => latency.p95),
    plain('vllm_latency_p99', 'gauge', 's', `99th percentile of the latency in seconds ${WINDOW}.`, ({ latency }) => latency.p99),
    plain('vllm_latency_min', 'gauge', 's', `Least latency in seconds ${WINDOW}.`, ({ latency }) => latency.min),
    plain('vllm_latency_max', 'gauge', 's', `Greatest latency in seconds ${WINDOW}.`, ({ latency }) => latency.max),
    plain(
      'vllm_total_input_tokens',
      'counter',
      '{token}',
      'Prompt tokens, as the upstreams counted them.',
      ({ tokens }) => tokens.total_input,
    ),
    plain(
      'vllm_total_output_tokens',
      'counter',
      '{token}',
      'Generated tokens, as the upstreams counted them.',
      ({ tokens }) => tokens.total_output,
    ),
    plain(
      'vllm_avg_tokens_per_request',
      'gauge',
      '{token}',
      'Output tokens per request with known usage.',
      ({ tokens }) => tokens.avg_per_request,
    ),
    ofGpu('vllm_gpu_allocated_gb', 'GiBy', 'GPU memory in use, in GiB.', (gpu) => gpu.allocated_gb),
    ofGpu('vllm_gpu_total_gb', 'GiBy', 'GPU memory, in GiB.', (gpu) => gpu.total_gb),
    ofGpu('vllm_gpu_free_gb', 'GiBy', 'Free GPU memory, in GiB.', (gpu) => gpu.free_gb),
    ofGpu('vllm_gpu_utilization_percent', '%', 'GPU memory in use / GPU memory, in percent.', (gpu) => gpu.utilization_percent),
    {
      name: 'vllm_errors',
      type: 'counter',
      unit: '{request}',
      labels: ['type'],
      help: 'Failed requests by type.',
      // All types from the start at 0, so that `increase()` sees the first failure.
      read: ({ document }) => ERROR_TYPES.map((type) => [[type], document.errors.by_type[type] ?? 0]),
    },
    {
      name: 'vllm_alerts',
      type: 'gauge',
      unit: '1',
      labels: ['name', 'level'],
      help: 'Built-in alerts: 1 while firing.',
      read: ({ alerts }) => alerts.map(({ name, level, state }) => [[name, level], state === 'firing' ? 1 : 0]),
    },
  ],
};
