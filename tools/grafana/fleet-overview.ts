import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboardOf } from './dashboard.js';
import { quantile, total } from './expressions.js';
import { graph, number } from './panels.js';
import { RequestPanels, TTFT } from './request-panels.js';
import { anyOf } from './variables.js';

const GATEWAY = 'gateway=~"$gateway"';
const STATES = [
  'successful_requests',
  'failed_requests',
  'cancelled_requests',
  'lost_requests',
  'num_waiting_requests',
  'num_running_requests',
];
const panels = new RequestPanels('=~"$model"');

/** The whole fleet on one page. */
export function fleetOverview(): Dashboard {
  return dashboardOf({
    name: 'fleet',
    title: 'Inferometer: fleet',
    about: 'How the whole fleet serves: requests, queue, latency, tokens, errors, gateways.',
    variables: [
      anyOf('model', 'model', 'inferometer_requests_received_total'),
      anyOf('tenant', 'tenant', 'inferometer_requests_received_total{model=~"$model"}'),
      anyOf('gateway', 'gateway', 'inferometer_gateway_up'),
    ],
    rows: [
      { title: 'Now', panels: [...panels.now(3), ...fleetNow()] },
      { title: 'Requests', panels: [...panels.ends(8), successByModel(), panels.receivedBy('model', 8), panels.receivedBy('tenant', 8)] },
      { title: 'Latency and tokens', panels: [...panels.times(8), panels.tokens(8), ...statistics()] },
      { title: 'Every request is accounted for', panels: conservation() },
      { title: 'Gateways', panels: [...gateways(), ...gatewayHealth()] },
    ],
  });
}

function fleetNow() {
  return [
    number({
      title: 'Alerts',
      about: 'Built-in alerts that fire.',
      unit: 'short',
      width: 3,
      queries: [{ expr: 'max(sum by (instance) (vllm_alerts))' }],
      from: [[1, 'red']],
    }),
    number({
      title: 'Gateways',
      about: 'Gateways that gave a sign of life lately.',
      unit: 'short',
      width: 3,
      queries: [{ expr: 'min(inferometer_live_gateways)' }],
      from: [
        [0, 'red'],
        [1, 'green'],
      ],
    }),
  ];
}

function successByModel() {
  return graph({
    title: 'Success ratio by model',
    about: 'Successful of all successful and failed requests.',
    unit: 'percentunit',
    width: 8,
    max: 1,
    queries: [{ expr: panels.successRatio('model'), legend: '{{model}}' }],
  });
}

function statistics() {
  return [
    graph({
      title: 'TTFT p95 by model',
      about: 'The slowest models stand out here.',
      unit: 's',
      width: 8,
      queries: [{ expr: quantile(0.95, TTFT, panels.genAi, 'gen_ai_request_model'), legend: '{{gen_ai_request_model}}' }],
    }),
    graph({
      title: 'TTFT of the last 5 minutes, to 1 %',
      about: 'From quantile sketches, which no edges of buckets bind. All models together.',
      unit: 's',
      width: 8,
      queries: ['p50', 'p95', 'p99'].map((name) => ({ expr: `max(vllm_ttft_${name})`, legend: name })),
    }),
    graph({
      title: 'Decoding speed',
      about: 'Tokens per second of one stream, over the last 5 minutes. All models together.',
      unit: 'short',
      width: 8,
      queries: [
        { expr: 'max(vllm_decoding_throughput_mean)', legend: 'mean' },
        { expr: 'max(vllm_decoding_throughput_p50)', legend: 'median' },
      ],
    }),
  ];
}

function conservation() {
  return [
    graph({
      title: 'Where all requests are',
      about: 'Since the counters began: total = successful + failed + cancelled + lost + waiting + running.',
      unit: 'short',
      width: 16,
      isStacked: true,
      queries: STATES.map((state) => ({ expr: `max(vllm_${state})`, legend: state.replace('num_', '').replace('_requests', '') })),
    }),
    graph({
      title: 'Received, but in none of these',
      about: 'Always 0: the conservation law. Anything else is a mistake of Inferometer.',
      unit: 'short',
      width: 8,
      queries: [
        { expr: `max(abs(${['total_requests', ...STATES].map((state) => `vllm_${state}`).join(' - ')}))`, legend: 'unaccounted for' },
      ],
      from: [[1, 'red']],
    }),
  ];
}

function gateways() {
  const requests = (state: string): string => total(`inferometer_gateway_${state}_requests{${GATEWAY}}`, 'gateway');
  const legend = '{{gateway}}';
  return [
    graph({
      title: 'Running by gateway',
      about: 'Requests that the gateway has sent on, by its heartbeats.',
      unit: 'short',
      width: 8,
      queries: [{ expr: requests('running'), legend }],
    }),
    graph({
      title: 'Waiting by gateway',
      about: 'Requests in the gateway’s queue, by its heartbeats.',
      unit: 'short',
      width: 8,
      queries: [{ expr: requests('waiting'), legend }],
    }),
    graph({
      title: 'Places in use by gateway',
      about: 'Running requests of all that the gateway lets run at once.',
      unit: 'percentunit',
      width: 8,
      max: 1,
      queries: [{ expr: `${requests('running')} / ${total(`inferometer_gateway_max_concurrent{${GATEWAY}}`, 'gateway')}`, legend }],
    }),
  ];
}

function gatewayHealth() {
  return [
    graph({
      title: 'Alive',
      about: '1 while the gateway gives signs of life.',
      unit: 'short',
      width: 12,
      min: 0,
      max: 1,
      queries: [{ expr: `min by (gateway) (inferometer_gateway_up{${GATEWAY}})`, legend: '{{gateway}}' }],
    }),
    graph({
      title: 'Events dropped',
      about: 'Events that a gateway found no room for, in memory or on disk: the numbers here lack them.',
      unit: 'short',
      width: 12,
      queries: [{ expr: `max by (gateway) (inferometer_gateway_events_dropped{${GATEWAY}})`, legend: '{{gateway}}' }],
      from: [[1, 'red']],
    }),
  ];
}
