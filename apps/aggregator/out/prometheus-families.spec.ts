import { describe, expect, it } from 'vitest';
import { EventSource, type InferometerEvent } from '#libs/contracts';
import { traceId, tracedBy } from '../../../test/support/fold.js';
import { parseOpenMetrics } from '../../../test/support/openmetrics.js';
import { hasPromtool, openMetricsProblems, textProblems } from '../../../test/support/promtool.js';
import { heartbeat, START_MS } from '../../../test/support/traffic.js';
import { completed, failed, GPU, linesOf, MIXED, passTime, telling, textOf } from './told-fleet.fixture.js';

/** The samples of a family that are not 0. */
function samples(lines: readonly string[], start: string): readonly string[] {
  return lines.filter((line) => line.startsWith(start) && !line.endsWith(' 0'));
}

/** Without `_total`, as the seed has them. */
const SEED_COUNTERS = [
  'cancelled_requests',
  'errors',
  'failed_requests',
  'successful_requests',
  'total_input_tokens',
  'total_output_tokens',
  'total_requests',
];

describe('vLLM’s names', () => {
  it('count every request that reached the upstream, and how it ended', async () => {
    const lines = await linesOf(MIXED);
    expect(lines.filter((line) => line.startsWith('vllm:request_success_total'))).toEqual(
      [
        ['stop', 2],
        ['length', 0],
        ['abort', 1],
        ['error', 1],
        ['repetition', 0],
      ].map(([reason, count]) => `vllm:request_success_total{model_name="m",engine="0",finished_reason="${reason}"} ${count}`),
    );
    expect(lines).toEqual(
      expect.arrayContaining([
        'vllm:e2e_request_latency_seconds_count{model_name="m",engine="0"} 4',
        'vllm:time_to_first_token_seconds_count{model_name="m",engine="0"} 1',
        'vllm:time_to_first_token_seconds_bucket{model_name="m",engine="0",le="0.25"} 0',
        'vllm:time_to_first_token_seconds_bucket{model_name="m",engine="0",le="0.5"} 1',
        'vllm:time_per_output_token_seconds_count{model_name="m",engine="0"} 6',
        'vllm:request_params_n_bucket{model_name="m",engine="0",le="1.0"} 2',
        'vllm:request_params_n_bucket{model_name="m",engine="0",le="2.0"} 4',
        'vllm:request_params_max_tokens_sum{model_name="m",engine="0"} 64',
        'vllm:request_prompt_tokens_bucket{model_name="m",engine="0",le="1e+06"} 2',
        'vllm:prompt_tokens_total{model_name="m",engine="0"} 14',
        'vllm:generation_tokens_total{model_name="m",engine="0"} 22',
      ]),
    );
  });

  it('tell each upstream apart, and what is open', async () => {
    const open = completed({}, 1).slice(0, 2);
    const waiting = completed().slice(0, 1);
    const lines = await linesOf({ events: [...completed({}, 1), ...open, ...waiting] });
    expect(samples(lines, 'vllm:request_success_total')).toEqual([
      'vllm:request_success_total{model_name="m",engine="1",finished_reason="stop"} 1',
    ]);
    expect(samples(lines, 'vllm:num_requests')).toEqual([
      'vllm:num_requests_running{model_name="m",engine="1"} 1',
      'vllm:num_requests_waiting{model_name="m",engine="0"} 1',
    ]);
  });

  it('tell of cached tokens once an upstream does, and only of its requests', async () => {
    expect((await linesOf(MIXED)).join('\n')).not.toMatch(/cache/);
    const lines = await linesOf({ events: [...completed(), ...completed({ input_tokens: 10, cached_input_tokens: 4 })] });
    expect(lines).toEqual(
      expect.arrayContaining([
        'vllm:prefix_cache_queries_total{model_name="m",engine="0"} 10',
        'vllm:prefix_cache_hits_total{model_name="m",engine="0"} 4',
        'vllm:prompt_tokens_cached_total{model_name="m",engine="0"} 4',
      ]),
    );
  });

  it('are there from the start for models that are known, and not at all where they are off', async () => {
    expect(await linesOf({}, { models: ['k'] })).toContain(
      'vllm:request_success_total{model_name="k",engine="0",finished_reason="stop"} 0',
    );
    expect((await linesOf(MIXED, { vllm: false })).join('\n')).not.toMatch(/vllm:/);
  });
});

describe('OpenTelemetry’s names', () => {
  it('tell successful requests from failed ones, on the edges of the convention', async () => {
    const lines = await linesOf(MIXED);
    const labels = 'gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="m",gen_ai_response_model="m"';
    const duration = 'gen_ai_server_request_duration_seconds';
    expect(lines.filter((line) => line.startsWith(`${duration}_count`))).toEqual([
      `${duration}_count{${labels}} 2`,
      `${duration}_count{${labels},error_type="queue_full"} 1`,
      `${duration}_count{${labels},error_type="upstream_error"} 1`,
    ]);
    expect(lines).toContain(`${duration}_bucket{${labels},error_type="upstream_error",le="0.08"} 1`);
    expect(lines).toContain(`${duration}_bucket{${labels},le="2.56"} 2`);
    expect(lines).toContain(`gen_ai_server_time_to_first_token_seconds_count{${labels}} 1`);
    expect(lines).toContain(`gen_ai_client_token_usage_bucket{${labels},gen_ai_token_type="input",le="4.0"} 0`);
    expect(lines).toContain(`gen_ai_client_token_usage_bucket{${labels},gen_ai_token_type="input",le="16.0"} 2`);
  });

  it('tell of a GPU what its driver gives', async () => {
    const lines = await linesOf(MIXED);
    const id = 'hw_id="GPU-1",hw_name="h GPU 0",host_name="h"';
    expect(lines.filter((line) => line.startsWith('hw_'))).toEqual([
      `hw_gpu_memory_usage_bytes{${id},hw_vendor="NVIDIA",hw_model="H100"} 2147483648`,
      `hw_gpu_memory_limit_bytes{${id},hw_vendor="NVIDIA",hw_model="H100"} 8589934592`,
      `hw_gpu_memory_utilization_ratio{${id},hw_vendor="NVIDIA",hw_model="H100"} 0.25`,
      `hw_power_watts{${id},hw_type="gpu"} 300`,
    ]);
  });
});

describe('exemplars', () => {
  const TRACED = { events: [...completed(), ...failed('queue_full', 5)].map((event, index) => tracedBy(event, index + 1)) };

  it('lead from the buckets of latency and time to first token to the trace of the newest request in them', async () => {
    const families = parseOpenMetrics(await textOf(telling(TRACED), 'openmetrics'));
    const shown = families.flatMap(({ samples: own }) =>
      own.flatMap(({ name, labels, exemplar }) =>
        exemplar ? [[name, labels['error_type'], labels['le'], exemplar.labels, exemplar.value, exemplar.timestampSeconds]] : [],
      ),
    );
    const [done, refused] = [
      [{ trace_id: traceId(3) }, START_MS / 1000 + 0.2],
      [{ trace_id: traceId(5) }, START_MS / 1000 + 0.4],
    ] as const;
    expect(shown).toEqual([
      ['vllm:time_to_first_token_seconds_bucket', undefined, '0.5', done[0], 0.4, done[1]],
      ['vllm:e2e_request_latency_seconds_bucket', undefined, '2.5', done[0], 2.5, done[1]],
      ['gen_ai_server_request_duration_seconds_bucket', undefined, '2.56', done[0], 2.5, done[1]],
      ['gen_ai_server_request_duration_seconds_bucket', 'queue_full', '0.01', refused[0], 0.005, refused[1]],
      ['gen_ai_server_time_to_first_token_seconds_bucket', undefined, '0.5', done[0], 0.4, done[1]],
    ]);
  });

  it('are not in the text format, nor where no client named its trace', async () => {
    const bare = { events: TRACED.events.map(({ traceparent: _trace, ...event }) => event as InferometerEvent) };
    // The gateway of these fleets goes on numbering its events from one to the next.
    const textsOf = async (format: 'text' | 'openmetrics') => {
      const texts = [await textOf(telling(TRACED), format), await textOf(telling(bare), format)];
      return texts.map((text) => text.replace(/^inferometer_events_missing \d+$/m, ''));
    };
    const [traced, untraced] = await textsOf('text');
    expect(traced).toBe(untraced);
    const [shown, unshown] = await textsOf('openmetrics');
    expect(shown).not.toBe(unshown);
    expect(shown!.replaceAll(/ # \{trace_id="[0-9a-f]{32}"\} [\d.]+ [\d.]+$/gm, '')).toBe(unshown);
  });
});

describe('the text as a whole', () => {
  it('obeys the law in its own numbers', async () => {
    const lines = await linesOf(MIXED);
    expect(samples(lines, 'inferometer_requests_total')).toEqual([
      'inferometer_requests_total{model="m",tenant="",operation="chat",outcome="successful"} 2',
      'inferometer_requests_total{model="m",tenant="",operation="chat",outcome="failed"} 2',
      'inferometer_requests_total{model="m",tenant="",operation="chat",outcome="cancelled"} 1',
    ]);
    expect(lines).toContain('inferometer_requests_received_total{model="m",tenant="",operation="chat"} 5');
    expect(lines).toContain('inferometer_gateway_up{gateway="gw"} 1');
  });

  it('leaves out a model that was not heard of for a day, but not what it counted', async () => {
    const day = 86_400_000;
    expect((await linesOf({ ...MIXED, laterMs: day - 60_000 })).join('\n')).toContain('model_name="m"');
    const lines = await linesOf({ ...MIXED, laterMs: day + 60_000 });
    expect(lines.join('\n')).not.toContain('"m"');
    expect(lines).toContain('vllm_total_requests 5');
  });

  it('says once what it leaves out from now on', async () => {
    const said: string[] = [];
    const fleet = telling(MIXED, {}, (line) => said.push(line));
    await fleet.now();
    passTime(fleet, 90_000_000);
    await fleet.now();
    await fleet.now();
    expect(said).toEqual(['model "m" was not heard of for a day: its series are dropped']);
  });

  it('says that a gateway is left out', async () => {
    const said: string[] = [];
    const gone = new EventSource('/gateways/"west"', 'boot');
    const fleet = telling({ events: [heartbeat(gone, 0, START_MS)] }, {}, (line) => said.push(line));
    expect(await textOf(fleet)).toContain('gateway="\\"west\\""');
    passTime(fleet, 3_600_001);
    expect(await textOf(fleet)).not.toContain('west');
    expect(said).toEqual([String.raw`gateway "\"west\"" was not heard of for an hour: its series are dropped`]);
  });

  it('has no label set twice, whatever models and GPUs are called', async () => {
    const names = ['', 'unknown', 'q"\\\n', '🙂', '__proto__', 'x'.repeat(256)];
    const fleet = { events: names.flatMap((model) => completed({ model })), gpus: [GPU, { ...GPU, uuid: 'GPU-2' }] };
    const families = parseOpenMetrics(await textOf(telling(fleet), 'openmetrics'));
    const success = families.find(({ name }) => name === 'vllm:request_success');
    const models = new Set(success?.samples.map(({ labels }) => labels['model_name']));
    expect(models).toEqual(new Set(names.filter((name) => name !== '')));
  });

  it.skipIf(!hasPromtool())('is what Prometheus reads, but for the names that others fixed', async () => {
    expect(openMetricsProblems(await textOf(telling(MIXED), 'openmetrics'))).toBe('');
    const remarks = textProblems(await textOf(telling({ ...MIXED, gpus: [GPU] })))
      .replace(/^exit code 3: /, '')
      .split('\n')
      .filter((line) => line !== '' && !/^vllm:\w+ metric names should not contain ':'$/.test(line));
    const suffix = SEED_COUNTERS.map((name) => `vllm_${name} counter metrics should have "_total" suffix`);
    const units = ['allocated', 'free', 'total'].map((of) => `vllm_gpu_${of}_gb metric names should not contain abbreviated units`);
    expect(remarks.toSorted()).toEqual([...suffix, ...units].toSorted());
  });
});
