import { readFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';
import { METRIC_SETS } from '../apps/aggregator/out/metric-names/all.js';
import { prometheusNameOf, underscored, type Metric, type MetricSet } from '../apps/aggregator/out/metric-names/metric.js';
import { ROOT } from './support/shared.js';

const DOCUMENT = `${ROOT}docs/metrics.md`;

const ABOUT = `# The fleet's metrics

\`GET /metrics/prometheus\` on an aggregator (and through the gateway, where \`AGGREGATOR_URL\` is set) tells of the whole fleet. Every
replica gives the same numbers: scrape **one** address. Each process's own \`/metrics\` has other names: see [operations](operations.md).
It asks for \`API_TOKEN\` where one is set. A view that is older than 10 s answers 503 rather than let a counter run backwards.
Two answers in the same format whose \`x-fleet-offset\` is equal are equal.

- **Formats**: Prometheus text 0.0.4 and OpenMetrics 1.0, by \`Accept\`; gzip, by \`Accept-Encoding\`. In OpenMetrics a counter whose name
  does not end in \`_total\` can only be typed \`unknown\`.
- **Windows**: gauges that are statistics (\`vllm_ttft_p95\`, \`vllm_error_rate_percent\` …) are over the last 5 minutes. Counters and
  histograms count since the counters began, through restarts and rebalances.
- **What is dropped when**: the series of a model that was not heard of for 24 h of log time, and that has no request in hand; those of a GPU
  that was not read, and of a gateway that was not heard of, for an hour. The aggregator's log says so. What they counted
  stays in the totals of the fleet. Models of \`MODELS\` are there from the start, and stay. Beyond \`MAX_MODELS\` and
  \`MAX_TENANTS\`, and beside \`MODELS\`, the label is \`other\`. A request that names no model is of the model \`unknown\`; without a
  tenant the label is empty.
- **Exemplars**, in OpenMetrics only: a bucket of \`vllm:time_to_first_token_seconds\`, \`vllm:e2e_request_latency_seconds\`,
  \`gen_ai_server_time_to_first_token_seconds\` and \`gen_ai_server_request_duration_seconds\` carries the newest observation in it whose
  client sent a \`traceparent\`: its trace as \`trace_id\`, its value, and when the event log took it in. Prometheus keeps them with
  \`--enable-feature=exemplar-storage\`. OTLP does not carry them.
- **vLLM's names** can be left out: \`VLLM_METRICS=off\`. \`engine\` is the index of the upstream as the gateway tells it, and \`0\` where it
  does not. What only an engine can know, as the use of its KV cache, is not there.
- **OpenTelemetry's names** have dots where Prometheus has underscores, and no unit at their end. \`gen_ai.provider.name\` is \`openai\`: it names
  the format that the servers speak. \`chat\`, \`responses\` and \`messages\` are all the operation \`chat\`. \`gen_ai.response.model\` is the name
  that was asked for: servers of this protocol answer with it.
- **OTLP**: with \`OTEL_EXPORTER_OTLP_ENDPOINT\` set, the same metrics go to a collector, as http/protobuf or http/json. All replicas
  would send the same, so only the owner of partition 0 of \`inferometer.requests\` does. A resource has no instance id, and times are the event
  log's: the series go on when another replica takes over. A collector that is away is said once a minute. Other names and units than in the
  text: those of the column “OpenTelemetry”.`;

function rowOf(metric: Metric, set: MetricSet): string {
  const labels = metric.labels.map((label) => `\`${set.isDotted ? underscored(label) : label}\``).join(', ');
  const shown = metric.type === 'updowncounter' ? 'gauge' : metric.type;
  const unit = metric.unit === '' ? '' : `\`${metric.unit}\``;
  const dotted = set.isDotted ? ` | \`${metric.name}\` (${metric.type})` : '';
  return `| \`${prometheusNameOf(metric, set)}\`${dotted} | ${shown} | ${unit} | ${labels} | ${metric.help} | ${metric.formula ?? ''} |`;
}

function sectionOf(set: MetricSet): readonly string[] {
  const dotted = set.isDotted ? ' OpenTelemetry |' : '';
  const line = set.isDotted ? '---|' : '';
  const head = [`| Metric |${dotted} Type | Unit | Labels | Meaning | How it is counted |`, `|---|${line}---|---|---|---|---|`];
  return [`## ${set.title}`, `Names: ${set.source}.`, [...head, ...set.metrics.map((metric) => rowOf(metric, set))].join('\n')];
}

it('docs/metrics.md lists the metrics of the code (npx vitest run test/fleet-metrics-doc.spec.ts -u)', async () => {
  const text = [ABOUT, ...METRIC_SETS.flatMap(sectionOf), ''].join('\n\n');
  const wanted = await format(text, { ...(await resolveConfig(DOCUMENT)), parser: 'markdown' });
  await expect(wanted).toMatchFileSnapshot(DOCUMENT);
});

it('no metric of the fleet has the name of a process’s own: both are scraped', () => {
  const ofProcesses = new Set(readFileSync(`${ROOT}docs/operations.md`, 'utf8').match(/(?<=`)[a-z0-9_]+(?=`)/g));
  expect(ofProcesses).toContain('inferometer_gateway_requests_running');
  const names = METRIC_SETS.flatMap((set) => set.metrics.map((metric) => prometheusNameOf(metric, set)));
  expect(names.filter((name) => ofProcesses.has(name))).toEqual([]);
});

it('no two metrics share a name in the text', () => {
  const names = METRIC_SETS.flatMap((set) => set.metrics.map((metric) => prometheusNameOf(metric, set)));
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
});
