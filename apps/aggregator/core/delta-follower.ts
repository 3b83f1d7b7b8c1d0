import type { Delta } from './delta-reader.js';
import { PartitionState } from './partition-state.js';
import type { LabelLimits } from './series.js';

/** What was published since the last base. */
export interface SinceBase {
  readonly bytes: number;
  readonly records: number;
  /** The size of that base. */
  readonly baseBytes: number;
}

const NO_BASE: SinceBase = { bytes: 0, records: 0, baseBytes: 0 };

/** A state that deltas move on, whoever wrote them. */
export class DeltaFollower {
  /** Undefined before the first delta, where there was no base. */
  state: PartitionState | undefined;
  /** Who wrote what moved the state last, and how old the newest record was when it was read. */
  writer = '';
  lagMs = 0;
  sinceBase = NO_BASE;

  constructor(private readonly limits: LabelLimits) {}

  /** Goes on from a base. */
  begin(state: PartitionState, writer: string, lagMs: number, baseBytes: number): void {
    [this.state, this.writer, this.lagMs] = [state, writer, lagMs];
    this.restart(baseBytes);
  }

  /** A base was stored that is as far as the state. */
  restart(baseBytes: number): void {
    this.sinceBase = { bytes: 0, records: 0, baseBytes };
  }

  /** True if it moved the state: the first of an epoch, or one that leads on. Throws, and changes nothing, if it cannot be read. */
  take(writer: string, delta: Delta): boolean {
    const state = this.stateBefore(delta);
    if (!state) return false;
    const entries = delta.entries();
    const records = Number(delta.to - state.next);
    for (const entry of entries) state.apply(entry, entry.decoded);
    if (state !== this.state) this.sinceBase = NO_BASE;
    const { bytes, records: before, baseBytes } = this.sinceBase;
    this.sinceBase = { bytes: bytes + delta.bytes, records: before + records, baseBytes };
    [this.state, this.writer, this.lagMs] = [state, writer, delta.lagMs];
    return true;
  }

  /** The state that the delta is to be applied to. */
  private stateBefore({ origin, from, to }: Delta): PartitionState | undefined {
    const { state } = this;
    if (from >= to) return undefined;
    if (from === origin.start && (!state || state.origin.epoch < origin.epoch)) return new PartitionState(this.limits, origin);
    const leadsOn = state && state.origin.epoch === origin.epoch && from <= state.next && state.next < to;
    return leadsOn ? state : undefined;
  }
}
