import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { EventSource } from '#libs/contracts';
import { PartitionState } from '../../apps/aggregator/core/partition-state.js';
import type { BenchRow } from '../bench-row.js';
import { outcomeOf, START_MS } from '../traffic.js';

const PARTITIONS = 6;
const SERIES = 1_000;
const HOUR_MS = 3_600_000;
const LIMITS = { models: [], maxModels: SERIES, maxTenants: 1 };

const hour = (requestsPerSecond: number): Phase => ({ ms: HOUR_MS, requestsPerSecond });
const day = (requestsPerSecond: number): Phase => ({ ms: 24 * HOUR_MS, requestsPerSecond });

/** Memory that one copy of the fleet's state takes; an aggregator holds one of all partitions, and another of those that it folds itself. */
export function memoryRows(): readonly BenchRow[] {
  return [
    megabytes('1,000 series, one request each in every partition', [{ ms: 1, requestsPerSecond: SERIES * PARTITIONS * 1000 }]),
    megabytes('1,000 series, an hour at 10 requests/s', [hour(10)]),
    megabytes('1,000 series, an hour at 100 requests/s', [hour(100)]),
    megabytes('1,000 series, a day at 10 requests/s', [day(10)]),
    ...(process.env['SIZING_BENCH'] === 'long'
      ? [megabytes('1,000 series, a day at 20 requests/s and an hour at 100: no bucket without each of them', [day(20), hour(100)])]
      : []),
  ];
}

interface Phase {
  readonly ms: number;
  /** Of the whole fleet, spread evenly over the series and the partitions. */
  readonly requestsPerSecond: number;
}

/** The states of all partitions after these phases of log time. */
function fleetAfter(phases: readonly Phase[]): readonly PartitionState[] {
  const fleet = Array.from({ length: PARTITIONS }, (_unused, index) => new BenchPartition(index));
  let atMs = START_MS;
  let count = 0;
  for (const { ms, requestsPerSecond } of phases) {
    const endMs = atMs + ms;
    for (; atMs < endMs; atMs += 1000 / requestsPerSecond) {
      // Each series comes to every partition in turn.
      fleet[(count + Math.floor(count / SERIES)) % PARTITIONS]!.request(count % SERIES, atMs);
      count += 1;
    }
  }
  return fleet.map(({ state }) => state);
}

class BenchPartition {
  readonly state = new PartitionState(LIMITS);
  private readonly source = new EventSource('/gateways/bench', 'boot');
  private offset = 0n;

  constructor(private readonly index: number) {}

  /** One request that came and ended at `atMs`. */
  request(series: number, atMs: number): void {
    const id = `req-${this.index}-${this.offset}`;
    const identity = { request_id: id, operation: 'chat', model: `model-${series}`, stream: true };
    const outcome = outcomeOf(Number(this.offset % 997n));
    const events = [
      this.source.stamp('io.inferometer.request.received.v1', this.index, id, identity, atMs),
      this.source.stamp('io.inferometer.request.completed.v1', this.index, id, { ...identity, ...outcome }, atMs),
    ];
    for (const value of events) {
      this.state.apply({ offset: this.offset, timestampMs: Math.floor(atMs) }, { ok: true, value });
      this.offset += 1n;
    }
  }
}

/** What is left of it after a full collection. */
function megabytes(what: string, phases: readonly Phase[]): BenchRow {
  const before = usedBytes();
  const fleet = fleetAfter(phases);
  const value = (usedBytes() - before) / 1e6;
  return { name: `memory, ${what} (${fleet.length} partitions)`, value, unit: 'MB' };
}

function usedBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
