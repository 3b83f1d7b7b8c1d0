import { EventSource, type InferometerEvent, type WindowName } from '#libs/contracts';
import { FleetView, rollupKey } from '../apps/aggregator/core/fleet-view.js';
import { PartitionState } from '../apps/aggregator/core/partition-state.js';
import { SnapshotWriter } from '../apps/aggregator/core/snapshot-writer.js';
import { FleetAnswers } from '../apps/aggregator/out/fleet-answers.js';
import type { BenchRow } from './bench-row.js';

const PARTITIONS = 12;
const MODELS = 50;
const HOUR_MS = 3_600_000;
const BUCKET_MS = 10_000;
const SECONDS = 60;
const BAR_MS = 5;
const START_MS = Date.parse('2026-01-01T00:00:00Z');
const LIMITS = { models: [], maxModels: 200, maxTenants: 200 };

/** One partition from the event to the view. */
class Partition {
  private readonly state = new PartitionState(LIMITS);
  private readonly writer = new SnapshotWriter();
  private readonly source = new EventSource('/gateways/bench', 'boot');
  private offset = 0n;

  constructor(private readonly index: number) {}

  /** One request for each model, at `atMs`. */
  requests(atMs: number): void {
    for (let model = 0; model < MODELS; model += 1) {
      const id = `req-${this.offset}`;
      const identity = { request_id: id, operation: 'chat', model: `model-${model}`, stream: true };
      this.apply(this.source.stamp('io.inferometer.request.received.v1', this.index, id, identity, atMs), atMs);
      const outcome = outcomeOf(Number(this.offset) % 997);
      this.apply(this.source.stamp('io.inferometer.request.completed.v1', this.index, id, { ...identity, ...outcome }, atMs), atMs);
    }
  }

  publish(view: FleetView): void {
    for (const { name, value } of this.writer.take(this.state, { replica: 'bench', lagMs: 0 })) {
      view.put(rollupKey('requests', this.index, 'bench', name), value, this.state.logTimeMs);
    }
  }

  private apply(value: InferometerEvent, timestampMs: number): void {
    this.state.apply({ offset: this.offset, timestampMs }, { ok: true, value });
    this.offset += 1n;
  }
}

function outcomeOf(spread: number) {
  return {
    status_code: 200,
    finish_reason: 'stop',
    queue_ms: 1,
    ttft_ms: 50 + spread,
    duration_ms: 1_000 + 3 * spread,
    decode_ms: 900 + 2 * spread,
    input_tokens: 100 + spread,
    output_tokens: 50 + spread,
    usage_source: 'upstream' as const,
    chunks: 50,
    gaps: [10, 30, 9],
  };
}

/** The metrics document of a large fleet, after an hour of traffic, whenever every partition has something new. */
export async function run(): Promise<BenchRow[]> {
  const answers = new FleetAnswers(new FleetView(LIMITS), 'en');
  const partitions = Array.from({ length: PARTITIONS }, (_unused, index) => new Partition(index));
  for (let passedMs = 0; passedMs < HOUR_MS; passedMs += BUCKET_MS) {
    for (const partition of partitions) partition.requests(START_MS + passedMs);
  }
  for (const partition of partitions) partition.publish(answers.view);
  const warmMs = await timed(() => answers.warmUp());
  const times = { '5m': [] as number[], '1h': [] as number[], publish: [] as number[] };
  for (let second = 0; second < SECONDS; second += 1) {
    for (const partition of partitions) {
      partition.requests(START_MS + HOUR_MS + second * 1000);
      times.publish.push(await timed(() => partition.publish(answers.view)));
    }
    for (const window of ['5m', '1h'] as const) times[window].push(await timed(() => written(answers, window)));
  }
  const bar = { unit: 'ms', bar: `<= ${BAR_MS}` } as const;
  return [
    { name: 'metrics document, 5 min', value: at(times['5m'], 0.5), ...bar, met: at(times['5m'], 0.5) <= BAR_MS },
    { name: 'the same, 99th percentile', value: at(times['5m'], 0.99), unit: 'ms' },
    { name: 'metrics document, 1 h', value: at(times['1h'], 0.5), ...bar, met: at(times['1h'], 0.5) <= BAR_MS },
    { name: 'one partition from state to view', value: at(times.publish, 0.5), unit: 'ms' },
    { name: 'warm-up after an hour of traffic', value: warmMs, unit: 'ms' },
  ];
}

function written(answers: FleetAnswers, window: WindowName): string {
  return JSON.stringify(answers.document({ window }));
}

async function timed(work: () => unknown): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

function at(values: readonly number[], quantile: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(quantile * (values.length - 1))]!;
}
