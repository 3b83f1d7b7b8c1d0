import { LATENCY_EDGES_SECONDS, PER_TOKEN_EDGES_SECONDS, TOKEN_EDGES, TTFT_EDGES_SECONDS } from '#libs/contracts';
import type { EngineGroup } from '../../core/fleet-metrics.js';
import { N_EDGES, type HistogramName } from '../../core/histograms.js';
import { FINISHED_REASONS } from '../../core/measure.js';
import type { HistogramMetric, HistogramPoint, MetricSet, Told, ValueMetric, ValuePoint } from './metric.js';

const LABELS = ['model_name', 'engine'] as const;
/** Said in HELP of every histogram: so vLLM counts. */
const FINISHED = 'of every request that reached the upstream, however it ended';
const STREAMED = 'of every streamed request that reached the upstream, however it ended';

function value(
  type: 'counter' | 'gauge',
  name: string,
  unit: string,
  help: string,
  read: (group: EngineGroup) => number | undefined,
  formula?: string,
): ValueMetric {
  const readAll = ({ metrics }: Told): readonly ValuePoint[] => metrics.engines.map((group) => [[group.model, group.engine], read(group)]);
  return { name, type, unit, labels: LABELS, help, read: readAll, ...(formula !== undefined && { formula }) };
}

function histogram(
  name: string,
  of: HistogramName,
  unit: string,
  edges: readonly number[],
  help: string,
  formula?: string,
): HistogramMetric {
  const read = ({ metrics }: Told): readonly HistogramPoint[] =>
    metrics.engines.map(({ model, engine, figures }) => [[model, engine], figures.histograms.of(of)]);
  return { name, type: 'histogram', unit, labels: LABELS, edges, help, read, ...(formula !== undefined && { formula }) };
}

/** Undefined until an upstream has told of cached tokens. */
function whereCached(count: (figures: EngineGroup['figures']) => number) {
  return ({ figures }: EngineGroup): number | undefined => (figures.cachedRequests > 0 ? count(figures) : undefined);
}

/** vLLM's own names, of which its dashboards are made: what can be known from outside of the engine. */
export const VLLM_METRICS: MetricSet = {
  title: 'vLLM’s names (`vllm:…`)',
  source: 'vLLM 0.33, `vllm/v1/metrics/loggers.py`; `vllm:time_per_output_token_seconds` as in older releases',
  isDotted: false,
  metrics: [
    value(
      'gauge',
      'vllm:num_requests_running',
      '{request}',
      'Number of requests sent to the upstream and not finished with.',
      ({ running }) => running,
      'What waits in the engine itself counts as running',
    ),
    value(
      'gauge',
      'vllm:num_requests_waiting',
      '{request}',
      'Number of requests waiting in a gateway queue.',
      ({ waiting }) => waiting,
      'They have no upstream yet, and stand under `engine="0"`',
    ),
    histogram(
      'vllm:time_to_first_token_seconds',
      'ttft',
      's',
      TTFT_EDGES_SECONDS,
      `Time from the receipt of the request to its first token in seconds, ${STREAMED}.`,
    ),
    histogram(
      'vllm:inter_token_latency_seconds',
      'interToken',
      's',
      PER_TOKEN_EDGES_SECONDS,
      `Time between two token chunks in seconds, ${STREAMED}.`,
      'One observation for each gap; the sum is the decode time',
    ),
    histogram(
      'vllm:time_per_output_token_seconds',
      'interToken',
      's',
      PER_TOKEN_EDGES_SECONDS,
      'The older name of vllm:inter_token_latency_seconds.',
      'The same numbers',
    ),
    histogram(
      'vllm:request_time_per_output_token_seconds',
      'timePerOutputToken',
      's',
      PER_TOKEN_EDGES_SECONDS,
      `Mean time per output token after the first in seconds, ${STREAMED}.`,
      'decode time / (output tokens − 1); needs two tokens',
    ),
    histogram(
      'vllm:e2e_request_latency_seconds',
      'latency',
      's',
      LATENCY_EDGES_SECONDS,
      `Time from the receipt of the request to its end in seconds, ${FINISHED}.`,
    ),
    histogram('vllm:request_queue_time_seconds', 'queue', 's', LATENCY_EDGES_SECONDS, `Time in the gateway queue in seconds, ${FINISHED}.`),
    histogram(
      'vllm:request_prefill_time_seconds',
      'prefill',
      's',
      LATENCY_EDGES_SECONDS,
      `Time from the queue to the first token in seconds, ${STREAMED}.`,
      'time to first token − queue time',
    ),
    histogram(
      'vllm:request_decode_time_seconds',
      'decode',
      's',
      LATENCY_EDGES_SECONDS,
      `Time from the first token to the last in seconds, ${STREAMED}.`,
    ),
    histogram(
      'vllm:request_inference_time_seconds',
      'inference',
      's',
      LATENCY_EDGES_SECONDS,
      `Time from the queue to the end in seconds, ${FINISHED}.`,
      'duration − queue time',
    ),
    value(
      'counter',
      'vllm:prompt_tokens_total',
      '{token}',
      'Number of prompt tokens, as the upstream counted them.',
      ({ figures }) => figures.histograms.of('inputTokens').sum,
      'Counted when the request ends',
    ),
    value(
      'counter',
      'vllm:generation_tokens_total',
      '{token}',
      'Number of generated tokens, as the upstream counted them.',
      ({ figures }) => figures.histograms.of('outputTokens').sum,
      'Counted when the request ends',
    ),
    {
      name: 'vllm:request_success_total',
      type: 'counter',
      unit: '{request}',
      labels: [...LABELS, 'finished_reason'],
      help: 'Number of finished requests, by how they ended.',
      formula: 'Tool calls and content filters are `stop`, hang-ups `abort`, failures `error`; what never reached the upstream is in none',
      read: ({ metrics }) =>
        metrics.engines.flatMap(({ model, engine, figures }) =>
          FINISHED_REASONS.map((reason, index): ValuePoint => [[model, engine, reason], figures.finished[index]]),
        ),
    },
    histogram('vllm:request_prompt_tokens', 'inputTokens', '{token}', TOKEN_EDGES, `Prompt tokens, ${FINISHED} and has known usage.`),
    histogram(
      'vllm:request_generation_tokens',
      'outputTokens',
      '{token}',
      TOKEN_EDGES,
      `Generated tokens, ${FINISHED} and has known usage.`,
    ),
    histogram(
      'vllm:request_max_num_generation_tokens',
      'outputTokens',
      '{token}',
      TOKEN_EDGES,
      `Generated tokens, the greatest number over the choices, ${FINISHED} and has known usage.`,
      'The upstream tells one number for all choices: that of the request',
    ),
    histogram(
      'vllm:request_params_max_tokens',
      'maxTokens',
      '{token}',
      TOKEN_EDGES,
      `The max_tokens that was asked for, ${FINISHED} and that set it.`,
    ),
    histogram('vllm:request_params_n', 'n', '{choice}', N_EDGES, `The n that was asked for, 1 if none, ${FINISHED}.`),
    value(
      'counter',
      'vllm:prompt_tokens_cached_total',
      '{token}',
      'Number of prompt tokens that the upstream had cached.',
      whereCached(({ cacheHits }) => cacheHits),
      'Absent until an upstream tells of cached tokens',
    ),
    value(
      'counter',
      'vllm:prefix_cache_queries_total',
      '{token}',
      'Number of prompt tokens of requests of which the upstream told how much was cached.',
      whereCached(({ cacheQueries }) => cacheQueries),
      'Absent until an upstream tells of cached tokens',
    ),
    value(
      'counter',
      'vllm:prefix_cache_hits_total',
      '{token}',
      'Number of these prompt tokens that were cached.',
      whereCached(({ cacheHits }) => cacheHits),
      'Absent until an upstream tells of cached tokens',
    ),
  ],
};
