import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { perSecond, quantile, total } from './expressions.js';
import { graph, number, type Query } from './panels.js';

export const TTFT = 'gen_ai_server_time_to_first_token_seconds';
export const DURATION = 'gen_ai_server_request_duration_seconds';
const TTFT_ABOUT = 'From the request to its first token, queue included; streamed requests only.';

/** Curves of the median, the 95th and the 99th percentile of a histogram. */
export function quantiles(name: string, labels: string): readonly Query[] {
  return [0.5, 0.95, 0.99].map((q) => ({ expr: quantile(q, name, labels), legend: `p${q * 100}` }));
}

/** The panels about requests that more than one dashboard shows, each for the models that its dashboard's variable names. */
export class RequestPanels {
  /** Of series by model. */
  readonly byModel: string;
  /** Of series by model and tenant. */
  readonly chosen: string;
  /** Of series of the conventions for generative AI. */
  readonly genAi: string;

  /** `model`: the operator and the value in a matcher of the model. */
  constructor(model: string) {
    this.byModel = `model${model}`;
    this.chosen = `model${model},tenant=~"$tenant"`;
    this.genAi = `gen_ai_request_model${model}`;
  }

  /** Successful of all successful and failed requests, by the labels `by`. */
  successRatio(...by: readonly string[]): string {
    const ended = (outcomes: string): string => perSecond(`inferometer_requests_total{${this.chosen},outcome=~"${outcomes}"}`, ...by);
    return `${ended('successful')} / ${ended('successful|failed')}`;
  }

  /** The six numbers that matter most. */
  now(width: number): readonly Builder<Panel>[] {
    return [...this.flow(width), this.ttftNow(width), this.tokensNow(width)];
  }

  /** What became of requests, the queue, and what went wrong. */
  ends(width: number): readonly Builder<Panel>[] {
    return [
      this.stackedRates('Ends per second', 'What became of requests.', width, `inferometer_requests_total{${this.chosen}}`, 'outcome'),
      graph({
        title: 'Queue',
        about: 'Requests that wait for a place, and those at the model servers.',
        unit: 'short',
        width,
        queries: ['waiting', 'running'].map((state) => ({ expr: total(`inferometer_requests_${state}{${this.byModel}}`), legend: state })),
      }),
      this.stackedRates(
        'Errors by type',
        'Failed requests per second.',
        width,
        `inferometer_requests_failed_total{${this.byModel}}`,
        'type',
      ),
    ];
  }

  /** Requests received per second by a label. */
  receivedBy(label: string, width: number): Builder<Panel> {
    const about = 'Requests received per second, whatever became of them.';
    return this.stackedRates(`Received by ${label}`, about, width, `inferometer_requests_received_total{${this.chosen}}`, label);
  }

  /** How long requests take. */
  times(width: number): readonly Builder<Panel>[] {
    return [
      graph({ title: 'Time to first token', about: TTFT_ABOUT, unit: 's', width, queries: quantiles(TTFT, this.genAi) }),
      graph({ title: 'Duration', about: 'From the request to its last byte.', unit: 's', width, queries: quantiles(DURATION, this.genAi) }),
    ];
  }

  /** How many tokens go in and out. */
  tokens(width: number): Builder<Panel> {
    return graph({
      title: 'Tokens per second',
      about: 'Of prompts and of answers, as the model servers count them.',
      unit: 'short',
      width,
      queries: [{ expr: perSecond(`inferometer_tokens_total{${this.chosen}}`, 'direction'), legend: '{{direction}}' }],
    });
  }

  /** Growth per second, stacked, by a label. */
  stackedRates(title: string, about: string, width: number, selector: string, label: string): Builder<Panel> {
    return graph({
      title,
      about,
      unit: 'reqps',
      width,
      isStacked: true,
      queries: [{ expr: perSecond(selector, label), legend: `{{${label}}}` }],
    });
  }

  private flow(width: number): readonly Builder<Panel>[] {
    return [
      number({
        title: 'Success ratio',
        about: 'Successful of all successful and failed requests. Requests that their client left count for neither.',
        unit: 'percentunit',
        width,
        queries: [{ expr: this.successRatio() }],
        from: [
          [0, 'red'],
          [0.9, 'orange'],
          [0.99, 'green'],
        ],
      }),
      number({
        title: 'Requests',
        about: 'Received per second.',
        unit: 'reqps',
        width,
        queries: [{ expr: perSecond(`inferometer_requests_received_total{${this.chosen}}`) }],
      }),
      number({
        title: 'Waiting',
        about: 'Requests in the queues of the gateways. The built-in alert fires above 5, all models together.',
        unit: 'short',
        width,
        queries: [{ expr: total(`inferometer_requests_waiting{${this.byModel}}`) }],
        from: [[6, 'orange']],
      }),
      number({
        title: 'Running',
        about: 'Requests at the model servers.',
        unit: 'short',
        width,
        queries: [{ expr: total(`inferometer_requests_running{${this.byModel}}`) }],
      }),
    ];
  }

  private ttftNow(width: number): Builder<Panel> {
    return number({
      title: 'TTFT p95',
      about: TTFT_ABOUT,
      unit: 's',
      width,
      queries: [{ expr: quantile(0.95, TTFT, this.genAi) }],
      from: [
        [1, 'orange'],
        [3, 'red'],
      ],
    });
  }

  private tokensNow(width: number): Builder<Panel> {
    return number({
      title: 'Output tokens',
      about: 'Generated per second.',
      unit: 'short',
      width,
      queries: [{ expr: perSecond(`inferometer_tokens_total{${this.chosen},direction="output"}`) }],
    });
  }
}
