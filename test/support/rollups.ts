import { LIMITS, type TestRecord } from './traffic.js';
import { BaseWriter } from '../../apps/aggregator/core/base-writer.js';
import { DeltaWriter } from '../../apps/aggregator/core/delta-writer.js';
import { FleetView } from '../../apps/aggregator/core/fleet-view.js';
import { PartitionState } from '../../apps/aggregator/core/partition-state.js';
import { atOnce } from '../../apps/aggregator/core/steps.js';
import { deltaName, rollupKey, type Input, type RollupPart } from '../../apps/aggregator/core/rollup-keys.js';

export interface WriterOptions {
  readonly input?: Input;
  readonly partition?: number;
  readonly writer?: string;
  readonly state?: PartitionState;
}

/** Folds one partition and writes rollups about it, as an owner does, without a log. */
export class RollupWriter {
  readonly state: PartitionState;
  readonly writer: string;
  private readonly input: Input;
  private readonly partition: number;
  private readonly bases = new BaseWriter();
  private deltas: DeltaWriter;
  private count = 0;

  constructor({ input = 'requests', partition = 0, writer = 'r.1', state = new PartitionState(LIMITS) }: WriterOptions = {}) {
    [this.input, this.partition, this.writer, this.state] = [input, partition, writer, state];
    this.deltas = new DeltaWriter(state.origin, state.next);
  }

  fold(records: readonly TestRecord[]): this {
    for (const record of records) {
      this.deltas.add(record, record.decoded);
      this.state.apply(record, record.decoded);
    }
    return this;
  }

  /** The delta since the last one; none if nothing was folded. */
  delta(lagMs = 0): readonly RollupPart[] {
    if (this.deltas.records === 0) return [];
    const part = { name: deltaName(this.count), value: Buffer.from(this.deltas.text(lagMs)) };
    this.count += 1;
    this.deltas = new DeltaWriter(this.state.origin, this.state.next);
    return [part];
  }

  /** The parts of a base; the deltas begin anew. Taken as stored unless `torn`. */
  base(torn = false): readonly RollupPart[] {
    const parts = [...this.bases.write(this.state, 0)].flatMap((part) => part ?? []);
    if (torn) return parts.slice(0, -1);
    this.count = 0;
    return [...parts, ...this.bases.settle()];
  }

  /** Hands parts to a view or whatever else takes records. */
  put(target: Pick<FleetView, 'put'>, parts: readonly RollupPart[], timestampMs = this.state.logTimeMs): void {
    const { input, partition, writer } = this;
    for (const { name, value } of parts) target.put(rollupKey({ input, partition, writer, name }), value, timestampMs);
  }
}

/** A view that has read nothing, and goes on live. */
export function liveView(limits = LIMITS): FleetView {
  const view = new FleetView(limits);
  restore(view);
  return view;
}

export function restore(view: FleetView): FleetView {
  atOnce(view.restoring());
  return view;
}

/** What a compacted topic keeps. */
export class CompactedTopic {
  readonly records = new Map<string, readonly [value: Uint8Array, timestampMs: number]>();

  put(key: string, value: Uint8Array | null, timestampMs: number): void {
    this.records.delete(key);
    if (value !== null) this.records.set(key, [value, timestampMs]);
  }

  /** A view of somebody who comes late. */
  read(limits = LIMITS): FleetView {
    const view = new FleetView(limits);
    for (const [key, [value, timestampMs]] of this.records) view.put(key, value, timestampMs);
    return restore(view);
  }
}
