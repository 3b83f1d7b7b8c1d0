import { EventSource, type InferometerEvent, type WindowName } from '#libs/contracts';
import { DeltaWriter } from '../apps/aggregator/core/delta-writer.js';
import { FleetView } from '../apps/aggregator/core/fleet-view.js';
import { FIRST_ORIGIN, PartitionState } from '../apps/aggregator/core/partition-state.js';
import { deltaName, rollupKey } from '../apps/aggregator/core/rollup-keys.js';
import { atOnce } from '../apps/aggregator/core/steps.js';
import { FleetAnswers } from '../apps/aggregator/out/fleet-answers.js';
import type { BenchRow } from './bench-row.js';
import { outcomeOf, START_MS } from './traffic.js';

const PARTITIONS = 12;
const MODELS = 50;
const HOUR_MS = 3_600_000;
const BUCKET_MS = 10_000;
const SECONDS = 60;
const BAR_MS = 5;
const LIMITS = { models: [], maxModels: 200, maxTenants: 200 };

/** One partition from the event to the view. */
class Partition {
  private readonly state = new PartitionState(LIMITS);
  private deltas = new DeltaWriter(FIRST_ORIGIN, 0n);
  private count = 0;
  private readonly source = new EventSource('/gateways/bench', 'boot');
  private offset = 0n;

  constructor(private readonly index: number) {}

  /** One request for each model, at `atMs`. */
  requests(view: FleetView, atMs: number): void {
    for (let model = 0; model < MODELS; model += 1) {
      const id = `req-${this.offset}`;
      const identity = { request_id: id, operation: 'chat', model: `model-${model}`, stream: true };
      this.apply(this.source.stamp('io.inferometer.request.received.v1', this.index, id, identity, atMs), atMs, view);
      const outcome = outcomeOf(Number(this.offset) % 997);
      this.apply(this.source.stamp('io.inferometer.request.completed.v1', this.index, id, { ...identity, ...outcome }, atMs), atMs, view);
    }
  }

  publish(view: FleetView): void {
    if (this.deltas.records === 0) return;
    const key = rollupKey({ input: 'requests', partition: this.index, writer: 'bench.1', name: deltaName(this.count) });
    view.put(key, Buffer.from(this.deltas.text(0)), this.state.logTimeMs);
    this.deltas = new DeltaWriter(FIRST_ORIGIN, this.state.next);
    this.count += 1;
  }

  private apply(value: InferometerEvent, timestampMs: number, view: FleetView): void {
    const record = { offset: this.offset, timestampMs };
    const decoded = { ok: true, value } as const;
    this.deltas.add(record, decoded);
    this.state.apply(record, decoded);
    this.offset += 1n;
    if (this.deltas.isFull) this.publish(view);
  }
}

/** The metrics document of a large fleet, after an hour of traffic, whenever every partition has something new. */
export async function run(): Promise<BenchRow[]> {
  const answers = new FleetAnswers(new FleetView(LIMITS), 'en');
  atOnce(answers.view.restoring());
  const partitions = Array.from({ length: PARTITIONS }, (_unused, index) => new Partition(index));
  for (let passedMs = 0; passedMs < HOUR_MS; passedMs += BUCKET_MS) {
    for (const partition of partitions) partition.requests(answers.view, START_MS + passedMs);
  }
  for (const partition of partitions) partition.publish(answers.view);
  const warmMs = await timed(() => answers.warmUp());
  const times = { '5m': [] as number[], '1h': [] as number[], publish: [] as number[] };
  for (let second = 0; second < SECONDS; second += 1) {
    for (const partition of partitions) {
      partition.requests(answers.view, START_MS + HOUR_MS + second * 1000);
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
