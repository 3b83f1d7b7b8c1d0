import { ERROR_TYPES, type AlertDocument, type MetricsDocument } from '#libs/contracts';
import type { MetricFamily, Sample } from './exposition.js';

type Plain = readonly [name: string, type: MetricFamily['type'], help: string, value: (document: MetricsDocument) => number];

/** Said in HELP of every gauge that is a statistic of the default window. */
const WINDOW = 'over the last 5 minutes';

/** The seed's names, exactly: its alert rules and Grafana queries must run unedited (counters without `_total` included). */
const PLAIN: readonly Plain[] = [
  ['vllm_num_waiting_requests', 'gauge', 'Requests held in a gateway queue.', ({ requests }) => requests.waiting],
  ['vllm_num_running_requests', 'gauge', 'Requests sent to an upstream and not finished with.', ({ requests }) => requests.running],
  ['vllm_peak_concurrent_requests', 'gauge', 'Greatest number of running requests seen.', ({ requests }) => requests.peak_concurrent],
  ['vllm_total_requests', 'counter', 'Requests received, whatever became of them.', ({ requests }) => requests.total],
  ['vllm_successful_requests', 'counter', 'Requests that ended well.', ({ requests }) => requests.successful],
  ['vllm_failed_requests', 'counter', 'Requests rejected, broken or timed out.', ({ requests }) => requests.failed],
  ['vllm_cancelled_requests', 'counter', 'Requests whose client hung up first.', ({ requests }) => requests.cancelled],
  [
    'vllm_lost_requests',
    // Not a counter: a lost request whose end is told after all is lost no more.
    'gauge',
    'Requests whose gateway died before saying how they ended.',
    ({ requests }) => requests.lost,
  ],
  [
    'vllm_success_rate_percent',
    'gauge',
    `Successful of all successful and failed requests ${WINDOW}.`,
    ({ requests }) => requests.success_rate_percent,
  ],
  [
    'vllm_error_rate_percent',
    'gauge',
    `Failed of all successful and failed requests ${WINDOW}.`,
    ({ requests }) => requests.error_rate_percent,
  ],
  ['vllm_requests_per_second', 'gauge', `Requests received per second ${WINDOW}.`, ({ requests }) => requests.requests_per_second],
  ['vllm_ttft_mean', 'gauge', `Mean time to first token in seconds ${WINDOW}.`, ({ slo }) => slo.ttft.mean],
  ['vllm_ttft_p50', 'gauge', `Median time to first token in seconds ${WINDOW}.`, ({ slo }) => slo.ttft.p50],
  ['vllm_ttft_p95', 'gauge', `95th percentile of the time to first token in seconds ${WINDOW}.`, ({ slo }) => slo.ttft.p95],
  ['vllm_ttft_p99', 'gauge', `99th percentile of the time to first token in seconds ${WINDOW}.`, ({ slo }) => slo.ttft.p99],
  [
    'vllm_decoding_throughput_mean',
    'gauge',
    `Decoded tokens per second of a stream, mean ${WINDOW}.`,
    ({ slo }) => slo.throughput.decoding_mean,
  ],
  [
    'vllm_decoding_throughput_p50',
    'gauge',
    `Decoded tokens per second of a stream, median ${WINDOW}.`,
    ({ slo }) => slo.throughput.decoding_p50,
  ],
  ['vllm_total_throughput', 'gauge', `Output tokens per second of the whole fleet ${WINDOW}.`, ({ slo }) => slo.throughput.total],
  ['vllm_latency_mean', 'gauge', `Mean latency of successful requests in seconds ${WINDOW}.`, ({ latency }) => latency.mean],
  ['vllm_latency_p50', 'gauge', `Median latency of successful requests in seconds ${WINDOW}.`, ({ latency }) => latency.p50],
  ['vllm_latency_p95', 'gauge', `95th percentile of the latency in seconds ${WINDOW}.`, ({ latency }) => latency.p95],
  ['vllm_latency_p99', 'gauge', `99th percentile of the latency in seconds ${WINDOW}.`, ({ latency }) => latency.p99],
  ['vllm_latency_min', 'gauge', `Least latency in seconds ${WINDOW}.`, ({ latency }) => latency.min],
  ['vllm_latency_max', 'gauge', `Greatest latency in seconds ${WINDOW}.`, ({ latency }) => latency.max],
  ['vllm_total_input_tokens', 'counter', 'Prompt tokens, as the upstreams counted them.', ({ tokens }) => tokens.total_input],
  ['vllm_total_output_tokens', 'counter', 'Generated tokens, as the upstreams counted them.', ({ tokens }) => tokens.total_output],
  ['vllm_avg_tokens_per_request', 'gauge', 'Output tokens per request with known usage.', ({ tokens }) => tokens.avg_per_request],
];

/** The seed's families from the metrics document of the default window and every alert. */
export function seedFamilies(document: MetricsDocument, alerts: readonly AlertDocument[]): readonly MetricFamily[] {
  const plain = PLAIN.map(([name, type, help, value]): MetricFamily => ({ name, type, help, samples: [{ value: value(document) }] }));
  return [...plain, ...gpuFamilies(document), errorFamily(document), alertFamily(alerts)];
}

function gpuFamilies({ gpus }: MetricsDocument): readonly MetricFamily[] {
  const family = (name: string, help: string, value: (gpu: MetricsDocument['gpus'][number]) => number): MetricFamily => ({
    name,
    type: 'gauge',
    help,
    samples: gpus.map((gpu) => ({ labels: { gpu: String(gpu.index), name: gpu.name, host: gpu.host }, value: value(gpu) })),
  });
  return [
    family('vllm_gpu_allocated_gb', 'GPU memory in use, in GiB.', (gpu) => gpu.allocated_gb),
    family('vllm_gpu_total_gb', 'GPU memory, in GiB.', (gpu) => gpu.total_gb),
    family('vllm_gpu_free_gb', 'Free GPU memory, in GiB.', (gpu) => gpu.free_gb),
    family('vllm_gpu_utilization_percent', 'GPU memory in use / GPU memory, in percent.', (gpu) => gpu.utilization_percent),
  ];
}

/** All types from the start at 0, so that `increase()` sees the first failure. */
function errorFamily({ errors }: MetricsDocument): MetricFamily {
  const samples = ERROR_TYPES.map((type): Sample => ({ labels: { type }, value: errors.by_type[type] ?? 0 }));
  return { name: 'vllm_errors', type: 'counter', help: 'Failed requests by type.', samples };
}

function alertFamily(alerts: readonly AlertDocument[]): MetricFamily {
  const samples = alerts.map(({ name, level, state }): Sample => ({ labels: { name, level }, value: state === 'firing' ? 1 : 0 }));
  return { name: 'vllm_alerts', type: 'gauge', help: 'Built-in alerts: 1 while firing.', samples };
}
