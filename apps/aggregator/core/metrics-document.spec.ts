import { describe, expect, it } from 'vitest';
import { EventSource, type InferometerEvent, type MetricsDocument } from '#libs/contracts';
import { at } from '../../../test/support/fold.js';
import { liveView, RollupWriter } from '../../../test/support/rollups.js';
import { heartbeat, interleaved, LIMITS, onePlanned, recordsOf, START_MS, type TestRecord } from '../../../test/support/traffic.js';
import type { FleetView } from './fleet-view.js';
import { fleetNumbers, type MetricsQuery } from './fleet-numbers.js';
import { metricsDocument } from './metrics-document.js';
import { PartitionState } from './partition-state.js';
import type { Input } from './rollup-keys.js';

const GIB = 1024 ** 3;

function put(view: FleetView, input: Input, partition: number, events: readonly InferometerEvent[]): void {
  putRecords(view, recordsOf(events), input, partition);
}

function putRecords(view: FleetView, records: readonly TestRecord[], input: Input = 'requests', partition = 0): void {
  const writer = new RollupWriter({ input, partition }).fold(records);
  writer.put(view, writer.delta(400));
}

function beatOf(id: string, gauges: { readonly dropped: number; readonly spooled: number }): InferometerEvent {
  const event = heartbeat(new EventSource(`/gateways/${id}`, 'boot'), 0, START_MS);
  return { ...event, data: { ...event.data, ...gauges } } as InferometerEvent;
}

function answer(view: FleetView, query: MetricsQuery = { window: '5m' }): MetricsDocument {
  return metricsDocument(view, fleetNumbers(view, query), { nowMs: START_MS, version: '1.0.0', alerts: [], stale: false });
}

interface Done {
  readonly ttftMs: number;
  readonly durationMs: number;
  readonly decodeMs: number;
  readonly input: number;
  readonly output: number;
}

function completed(source: EventSource, partition: number, id: string, done: Done, model = 'm'): readonly InferometerEvent[] {
  const identity = { request_id: id, operation: 'chat', model, stream: true };
  const outcome = {
    status_code: 200,
    finish_reason: 'stop',
    queue_ms: 0,
    ttft_ms: done.ttftMs,
    duration_ms: done.durationMs,
    decode_ms: done.decodeMs,
    input_tokens: done.input,
    output_tokens: done.output,
    usage_source: 'upstream' as const,
    chunks: done.output,
    gaps: [0, 0, 0, 0, 0, 0, done.output - 1],
  };
  return [
    source.stamp('io.inferometer.request.received.v1', partition, id, identity, START_MS),
    source.stamp('io.inferometer.request.completed.v1', partition, id, { ...identity, ...outcome }, START_MS + 100),
  ];
}

/** The three requests of the seed's example, over two partitions. */
function seedExample(): FleetView {
  const view = liveView();
  const source = new EventSource('/gateways/gw', 'boot');
  const first = completed(source, 0, 'a', { ttftMs: 614.3, durationMs: 4094.5, decodeMs: 3480, input: 9, output: 13 });
  const second = completed(source, 0, 'b', { ttftMs: 958.8, durationMs: 6263.9, decodeMs: 5305, input: 9, output: 19 }, 'n');
  const third = completed(source, 1, 'c', { ttftMs: 520.3, durationMs: 3467, decodeMs: 2947, input: 9, output: 11 });
  put(view, 'requests', 0, [heartbeat(source, 0, START_MS, 1), ...first, ...second]);
  put(view, 'requests', 1, [heartbeat(source, 1, START_MS, 1), ...third]);
  return view;
}

const doneBy = (id: string, model: string, tenant: string) => onePlanned({ id, model, tenant, end: 'completed', started: true });

describe('the metrics document', () => {
  it('has every field, and only numbers for numbers, with no data at all', () => {
    const document = answer(liveView());
    expect(document).toMatchObject({
      service: 'inferometer',
      status: 'unknown',
      uptime: { seconds: 0, human: '0h 0m' },
      window: { name: '5m', seconds: 300 },
      requests: { waiting: 0, running: 0, total: 0, success_rate_percent: 100, error_rate_percent: 0, requests_per_second: 0 },
      tokens: { total_input: 0, total_output: 0, avg_per_request: 0, unknown_usage_requests: 0 },
      slo: { ttft: { mean: 0, p50: 0, p95: 0, p99: 0 }, throughput: { decoding_mean: 0, decoding_p50: 0, total: 0 }, sample_size: 0 },
      latency: { mean: 0, p50: 0, p95: 0, p99: 0, min: 0, max: 0 },
      gpu: { name: 'Unknown', allocated_gb: 0, total_gb: 0, free_gb: 0, utilization_percent: 0 },
      errors: { total: 0, by_type: {} },
      alerts_count: 0,
      data_quality: { reconciled: true, live_gateways: 0 },
    });
    expect(Object.keys(document.latency_histogram)).toEqual(['0-100ms', '100-500ms', '500-1000ms', '1-2s', '2-5s', '5-10s', '>10s']);
    expect(JSON.stringify(document)).not.toContain('null');
  });

  it('answers the seed’s example within the sketch’s 1 %', () => {
    const document = answer(seedExample());
    expect(document.status).toBe('healthy');
    expect(document.requests).toMatchObject({ total: 3, successful: 3, failed: 0, peak_concurrent: 1, max_concurrent: 4 });
    expect(document.tokens).toEqual({ total_input: 27, total_output: 43, avg_per_request: 14.3, unknown_usage_requests: 0 });
    expect(document.slo.ttft.mean).toBe(0.6978);
    expect(document.slo.ttft.p95).toBe(0.9588);
    expect(document.slo.ttft.p50 / 0.6143).toBeCloseTo(1, 1.5);
    expect(document.slo.throughput.decoding_mean).toBe(3.41);
    expect(document.slo.sample_size).toBe(3);
    expect(document.latency).toMatchObject({ mean: 4.6085, p99: 6.2639, min: 3.467, max: 6.2639 });
    expect(document.latency_histogram).toMatchObject({ '1-2s': 0, '2-5s': 2, '5-10s': 1 });
    expect(document.data_quality).toMatchObject({
      reconciled: true,
      lag_seconds: 0.4,
      live_gateways: 1,
      live_aggregators: 1,
      events_missing: 0,
    });
  });

  it('keeps counts for ever and statistics inside the window', () => {
    const view = seedExample();
    const source = new EventSource('/gateways/late', 'boot');
    const late = START_MS + 600_000;
    putRecords(view, [at(heartbeat(source, 2, late), 0, late)], 'requests', 2);
    expect(answer(view)).toMatchObject({ requests: { total: 3, requests_per_second: 0 }, slo: { sample_size: 0 }, latency: { max: 0 } });
    expect(answer(view, { window: '15m' })).toMatchObject({ slo: { sample_size: 3 }, latency: { max: 6.2639 } });
    expect(answer(view, { window: 'all' })).toMatchObject({ slo: { sample_size: 3 }, window: { name: 'all', seconds: 600 } });
  });

  it('has rates by the length of the window, or of the time since the counters began if that is shorter', () => {
    const [young, old] = [liveView(), liveView()];
    const requests = Array.from({ length: 31 }, (_unused, index) => onePlanned({ id: `req-${index}`, end: 'completed', started: true }));
    for (const [view, minutes] of [
      [young, 0],
      [old, 60],
    ] as const) {
      const source = new EventSource('/gateways/gw', 'boot');
      const first = at(heartbeat(source, 0, START_MS), 0, START_MS - minutes * 60_000);
      const records = recordsOf(interleaved(requests, source), 1n).map((record) => ({ ...record, timestampMs: START_MS + 61_000 }));
      putRecords(view, [first, ...records]);
    }
    expect(answer(young)).toMatchObject({ requests: { requests_per_second: 0.508 }, slo: { throughput: { total: 5.08 } } });
    expect(answer(old)).toMatchObject({ requests: { requests_per_second: 0.103 }, slo: { throughput: { total: 1.03 } } });
  });

  it('has the peak of the window, and of all time where the window is all', () => {
    const view = liveView();
    const source = new EventSource('/gateways/gw', 'boot');
    const beats = [
      [0, 9],
      [90, 2],
      [94, 5],
      [100, 3],
    ] as const;
    const records = beats.map(([minutes, running], index) => {
      const timestampMs = START_MS + minutes * 60_000;
      return at(heartbeat(source, 0, timestampMs, running), index, timestampMs);
    });
    putRecords(view, records);
    const peaks = (['5m', '15m', '1h', 'all'] as const).map((window) => answer(view, { window }).requests);
    expect(peaks.map(({ peak_concurrent_window: peak }) => peak)).toEqual([3, 5, 5, 9]);
    expect(peaks.map(({ peak_concurrent: peak }) => peak)).toEqual([9, 9, 9, 9]);
  });

  it('compares with the targets before it rounds', () => {
    const view = liveView();
    const source = new EventSource('/gateways/gw', 'boot');
    const done = { ttftMs: 500, durationMs: 2_000, decodeMs: 3_000, input: 1, output: 10 };
    const good = Array.from({ length: 2_479 }, (_unused, index) => completed(source, 0, `good-${index}`, done)).flat();
    const bad = Array.from({ length: 25 }, (_unused, index) =>
      interleaved([onePlanned({ id: `bad-${index}`, end: 'failed' })], source),
    ).flat();
    put(view, 'requests', 0, [...good, ...bad]);
    const { requests, slo } = answer(view, { window: '15m' });
    expect(requests).toMatchObject({ success_rate_percent: 99, error_rate_percent: 1 });
    expect(slo.targets).toMatchObject([
      { name: 'ttft_p95', met: true },
      { name: 'decoding_throughput', met: true },
      { name: 'success_rate', value: 99, met: true },
      { name: 'gpu_memory', value: 0, met: true },
    ]);
  });

  it('filters by tenant, in the models as in the sum', () => {
    const view = liveView();
    const source = new EventSource('/gateways/gw', 'boot');
    put(view, 'requests', 0, interleaved([doneBy('a', 'm', 'red'), doneBy('b', 'm', 'blue'), doneBy('c', 'n', 'red')], source));
    const { requests, models, tokens, slo } = answer(view, { window: '5m', tenant: 'red' });
    expect([requests.total, requests.successful, tokens.total_output, slo.sample_size]).toEqual([2, 2, 20, 2]);
    expect(models.map(({ model, total }) => [model, total])).toEqual([
      ['m', 1],
      ['n', 1],
    ]);
  });

  it('filters by model', () => {
    const document = answer(seedExample(), { window: '5m', model: 'n' });
    expect(document.requests).toMatchObject({ total: 1, successful: 1 });
    expect(document.models.map(({ model, total }) => [model, total])).toEqual([['n', 1]]);
    expect(answer(seedExample(), { window: '5m', model: 'nobody' }).requests.total).toBe(0);
  });

  it('says what was gone, what began anew, what gateways dropped and what waits in their spools', () => {
    const view = liveView();
    const beats = [
      at(beatOf('dead', { dropped: 5, spooled: 7 }), 3, START_MS),
      at(beatOf('live', { dropped: 2, spooled: 4 }), 4, START_MS + 9_000),
    ];
    const anew = new PartitionState(LIMITS, { epoch: 2, replaced: 2, start: 0n });
    const writer = new RollupWriter({ state: anew }).fold(beats);
    writer.put(view, writer.delta());
    expect(answer(view).data_quality).toMatchObject({
      reconciled: false,
      state_gap_events: 3,
      topics_replaced: 2,
      events_dropped: 7,
      spooled: 4,
      live_gateways: 1,
    });
  });

  it('sums the GPUs and names the set', () => {
    const view = liveView();
    const probe = new EventSource('/probes/p', 'boot');
    const read = (index: number) =>
      probe.stamp(
        'io.inferometer.gpu.read.v1',
        0,
        `gpu-${index}`,
        {
          host: 'h',
          uuid: `gpu-${index}`,
          index,
          name: 'NVIDIA H100 80GB HBM3',
          vendor: 'nvidia',
          memory_used_bytes: 40 * GIB,
          memory_total_bytes: 80 * GIB,
          memory_free_bytes: 40 * GIB,
        },
        START_MS,
      );
    put(view, 'gpus', 0, [read(1), read(0)]);
    const { gpu, gpus, data_quality: quality } = answer(view);
    expect(gpu).toEqual({ name: '2 × NVIDIA H100 80GB HBM3', allocated_gb: 80, total_gb: 160, free_gb: 80, utilization_percent: 50 });
    expect(gpus.map(({ index }) => index)).toEqual([0, 1]);
    expect(quality.gpu_reading_age_seconds).toBe(0.1);
  });
});
