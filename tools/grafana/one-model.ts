import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboardOf } from './dashboard.js';
import { mean, perSecond, quantile, spread } from './expressions.js';
import { graph, heatmap } from './panels.js';
import { DURATION, quantiles, RequestPanels, TTFT } from './request-panels.js';
import { anyOf, oneOf } from './variables.js';

const VLLM = 'model_name="$model"';
const PER_TOKEN = 'gen_ai_server_time_per_output_token_seconds';
const panels = new RequestPanels('="$model"');

/** One model in depth. */
export function oneModel(): Dashboard {
  return dashboardOf({
    name: 'model',
    title: 'Inferometer: one model',
    about: 'One model in depth: who asks, how long each phase takes, how many tokens, why answers end.',
    variables: [
      oneOf('model', 'model', 'inferometer_requests_received_total'),
      anyOf('tenant', 'tenant', 'inferometer_requests_received_total{model="$model"}'),
    ],
    rows: [
      { title: 'Now', panels: panels.now(4) },
      {
        title: 'Requests',
        panels: [...panels.ends(8), panels.receivedBy('tenant', 8), panels.receivedBy('operation', 8), finishReasons()],
      },
      { title: 'Latency', panels: [...panels.times(8), perToken(), ...spreads(), phases()] },
      { title: 'Tokens', panels: [panels.tokens(8), tokensPerRequest(), cached()] },
    ],
  });
}

function finishReasons() {
  const about = 'Per second: stop (by itself), length (at its limit), abort (the client left), error.';
  return panels.stackedRates('Why answers end', about, 8, `vllm:request_success_total{${VLLM}}`, 'finished_reason');
}

function perToken() {
  return graph({
    title: 'Time per output token',
    about: 'Of each stream, after its first token.',
    unit: 's',
    width: 8,
    queries: quantiles(PER_TOKEN, panels.genAi),
  });
}

function spreads() {
  return [
    heatmap({
      title: 'Time to first token, spread',
      about: 'How many requests came to their first token in which time.',
      unit: 's',
      width: 8,
      queries: [{ expr: spread(TTFT, panels.genAi), legend: '{{le}}' }],
    }),
    heatmap({
      title: 'Duration, spread',
      about: 'How many requests took how long.',
      unit: 's',
      width: 8,
      queries: [{ expr: spread(DURATION, panels.genAi), legend: '{{le}}' }],
    }),
  ];
}

function phases() {
  return graph({
    title: 'Where the time goes',
    about: 'Mean seconds of a request in each phase: in the gateway’s queue, until the first token, and from there to the end.',
    unit: 's',
    width: 8,
    isStacked: true,
    queries: ['queue', 'prefill', 'decode'].map((phase) => ({ expr: mean(`vllm:request_${phase}_time_seconds`, VLLM), legend: phase })),
  });
}

function tokensPerRequest() {
  const shown = ['prompt', 'generation'].flatMap((side) => [0.5, 0.95].map((q) => ({ side, q })));
  return graph({
    title: 'Tokens per request',
    about: 'Median and 95th percentile, of prompts and of answers.',
    unit: 'short',
    width: 8,
    queries: shown.map(({ side, q }) => ({ expr: quantile(q, `vllm:request_${side}_tokens`, VLLM), legend: `${side} p${q * 100}` })),
  });
}

function cached() {
  return graph({
    title: 'Prompt tokens from the cache',
    about: 'Share of the prompt tokens that the model server had computed before, where it says so.',
    unit: 'percentunit',
    width: 8,
    max: 1,
    queries: [
      {
        expr: `${perSecond(`vllm:prefix_cache_hits_total{${VLLM}}`)} / ${perSecond(`vllm:prefix_cache_queries_total{${VLLM}}`)}`,
        legend: 'cached',
      },
    ],
  });
}
