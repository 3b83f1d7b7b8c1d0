import { ERROR_TYPES } from '#libs/contracts';
import type { OperationGroup } from '../../core/fleet-metrics.js';
import { GEN_AI_DURATION_EDGES, GEN_AI_TOKEN_EDGES, type Histogram } from '../../core/histograms.js';
import type { HistogramMetric, HistogramPoint, LabelValues, MetricSet, Told } from './metric.js';

/** The format that the servers speak: the convention's value for any server behind OpenAI's API. */
const PROVIDER = 'openai';
const LABELS = ['gen_ai.operation.name', 'gen_ai.provider.name', 'gen_ai.request.model', 'gen_ai.response.model'] as const;
/** Bucket boundaries of the convention. */
const TTFT_EDGES = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const;
const PER_TOKEN_EDGES = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5] as const;

function labelsOf({ operation, model }: OperationGroup, ...more: LabelValues): LabelValues {
  return [operation, PROVIDER, model, model, ...more];
}

/** One histogram of each operation and model. */
function ofStreams(name: string, edges: readonly number[], help: string, of: (group: OperationGroup) => Histogram): HistogramMetric {
  const read = ({ metrics }: Told) => metrics.operations.map((group): HistogramPoint => [labelsOf(group), of(group)]);
  return { name, type: 'histogram', unit: 's', labels: LABELS, edges, help, read };
}

function durationsOf(group: OperationGroup): readonly HistogramPoint[] {
  const { duration, failed } = group.ended;
  const failures = failed.map(
    (durations, type): HistogramPoint | undefined => durations && [labelsOf(group, ERROR_TYPES[type]), durations],
  );
  return [[labelsOf(group), duration], ...failures.filter((point) => point !== undefined)];
}

/** OpenTelemetry's semantic conventions for generative AI. */
export const GEN_AI_METRICS: MetricSet = {
  title: 'OpenTelemetry: generative AI (`gen_ai_…`)',
  source: 'OpenTelemetry semantic conventions v1.41.1, `docs/gen-ai/gen-ai-metrics.md`',
  isDotted: true,
  metrics: [
    {
      name: 'gen_ai.server.request.duration',
      type: 'histogram',
      unit: 's',
      labels: [...LABELS, 'error.type'],
      edges: GEN_AI_DURATION_EDGES,
      help: 'Time from the receipt of the request to its end in seconds, of all that succeeded or failed.',
      formula: 'Failed ones, those that the gateway refused too, carry `error_type`; what the client gave up is in none',
      read: ({ metrics }) => metrics.operations.flatMap(durationsOf),
    },
    {
      ...ofStreams(
        'gen_ai.server.time_to_first_token',
        TTFT_EDGES,
        'Time from the receipt of the request to its first token in seconds, of successful streamed requests.',
        ({ ended }) => ended.ttft,
      ),
      formula: 'Queue time is included',
    },
    {
      ...ofStreams(
        'gen_ai.server.time_per_output_token',
        PER_TOKEN_EDGES,
        'Mean time per output token after the first in seconds, of successful streamed requests.',
        ({ ended }) => ended.timePerOutputToken,
      ),
      formula: 'decode time / (output tokens − 1); needs two tokens',
    },
    {
      name: 'gen_ai.client.token.usage',
      type: 'histogram',
      unit: '{token}',
      labels: [...LABELS, 'gen_ai.token.type'],
      edges: GEN_AI_TOKEN_EDGES,
      help: 'Tokens of each request with known usage that reached the upstream, however it ended.',
      formula: 'Prompt tokens are `input`, generated ones `output`',
      read: ({ metrics }) =>
        metrics.operations.flatMap((group): readonly HistogramPoint[] => [
          [labelsOf(group, 'input'), group.inputTokens],
          [labelsOf(group, 'output'), group.outputTokens],
        ]),
    },
  ],
};
