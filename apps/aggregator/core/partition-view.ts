import { compareMarks, markOf, readBaseInfo, readingBase, type BaseInfo, type Mark } from './base-reader.js';
import { DeltaFollower } from './delta-follower.js';
import { Delta, peekDelta } from './delta-reader.js';
import { HEAD, isDelta } from './rollup-keys.js';
import type { LabelLimits } from './series.js';

/** What one writer has out about a partition. */
export interface WriterTrace {
  readonly names: Set<string>;
  /** When its last record was stored, by the log's clock, in Unix ms. */
  lastRecordMs: number;
  /** The furthest that any of its bases and deltas goes. */
  reach: Mark | undefined;
  /** Its base. */
  base: Mark | undefined;
}

type Raw = Map<string, Map<string, Uint8Array>>;
const NOWHERE: Mark = { epoch: -1, next: 0n };

/**
 * One input partition as its rollups tell of it. At first it only gathers records, as they come; `restoring` makes the newest state that
 * they hold; from then on deltas move it.
 */
export class PartitionView {
  /** Bases and deltas that were corrupt, incomplete or of another format. */
  rejected = 0;
  /** There is a base ahead of the state that no delta leads to: everything must be read again. */
  isBehind = false;
  /** When the newest base was stored, by the log's clock, in Unix ms; undefined before the first. */
  newestBaseMs: number | undefined;
  readonly writers = new Map<string, WriterTrace>();
  private follower: DeltaFollower;
  /** Undefined once the state was made. */
  private raw: Raw | undefined = new Map();
  /** The newest base that was there when the state was made: if it could not be read, it is not tried again. */
  private tried = NOWHERE;

  constructor(private readonly limits: LabelLimits) {
    this.follower = new DeltaFollower(limits);
  }

  /** The newest state, and what is known of its publication. */
  get current(): Omit<DeltaFollower, 'take' | 'begin' | 'restart'> {
    return this.follower;
  }

  /** True if something was published, and nothing of it leads to a state: what it was made from is gone. An owner who begins anew, or a base, ends that. */
  get isLost(): boolean {
    return !this.follower.state && [...this.writers.values()].some(({ reach }) => reach);
  }

  /** Starts over with gathering. The state stays as it is until there is a newer one. */
  gather(): void {
    this.raw = new Map();
    this.writers.clear();
    this.isBehind = false;
  }

  /** Takes one record, in the order of its writer. True if the state is newer now. Never throws. */
  put(writer: string, name: string, value: Uint8Array | null, timestampMs: number): boolean {
    this.trace(writer, name, value, timestampMs);
    if (this.raw) return gather(this.raw, writer, name, value);
    if (value === null) return false;
    if (isDelta(name)) return this.attempt(() => this.follower.take(writer, Delta.parse(value))) ?? false;
    if (name === HEAD) this.attempt(() => this.seeBase(readBaseInfo(value)));
    return false;
  }

  /** Makes the newest state of what was gathered, some milliseconds of work for each step. A step never throws. */
  *restoring(): Generator<void> {
    const { raw } = this;
    if (!raw) return;
    let made: DeltaFollower;
    do {
      made = new DeltaFollower(this.limits);
      yield* this.restoreBase(raw, made);
      yield* this.chain(raw, made);
    } while (this.isOvertaken(made));
    const { state } = this.follower;
    if (!state || (made.state && compareMarks(markOf(made.state), markOf(state)) >= 0)) this.follower = made;
    this.raw = undefined;
  }

  private *restoreBase(raw: Raw, made: DeltaFollower): Generator<void> {
    for (const { writer, info, head, parts } of this.bases(raw)) {
      if (compareMarks(info, this.tried) > 0) this.tried = info;
      try {
        const state = yield* readingBase(head, (name) => parts.get(name), this.limits);
        made.begin(state, writer, info.lagMs, info.bytes);
        return;
      } catch {
        if (!this.isOvertaken(made)) this.rejected += 1;
      }
    }
  }

  /** A newer base came in meanwhile. Its writer goes on in the place of what led there: pieces and deltas may be gone. */
  private isOvertaken({ state }: DeltaFollower): boolean {
    const reached = state ? markOf(state) : NOWHERE;
    const isNewer = ({ base }: WriterTrace) => base && compareMarks(base, this.tried) > 0 && compareMarks(base, reached) > 0;
    return [...this.writers.values()].some((trace) => isNewer(trace) === true);
  }

  /** The newest first. */
  private bases(raw: Raw) {
    const found = [...raw].flatMap(([writer, parts]) => {
      const head = parts.get(HEAD);
      const info = head && this.attempt(() => readBaseInfo(head));
      return head && info ? { writer, info, head, parts } : [];
    });
    return found.toSorted((a, b) => compareMarks(b.info, a.info));
  }

  /** Applies every delta that leads on from the state. Those that come in meanwhile are gathered, and looked at as well. */
  private *chain(raw: Raw, made: DeltaFollower): Generator<void> {
    const seen = new Set<Uint8Array>();
    for (;;) {
      const found = [...raw].flatMap(([writer, parts]) =>
        [...parts].flatMap(([name, value]) => (isDelta(name) && !seen.has(value) ? { writer, value } : [])),
      );
      if (found.length === 0) return;
      const deltas = [];
      for (const { writer, value } of found) {
        seen.add(value);
        if (isOld(value, made)) continue;
        const delta = this.attempt(() => Delta.parse(value));
        if (delta) deltas.push({ writer, delta, at: { epoch: delta.origin.epoch, next: delta.from } });
        yield;
      }
      for (const { writer, delta } of deltas.toSorted((a, b) => compareMarks(a.at, b.at))) {
        this.attempt(() => made.take(writer, delta));
        yield;
      }
    }
  }

  private seeBase(info: BaseInfo): void {
    const { state } = this.follower;
    const order = state ? compareMarks(info, markOf(state)) : 1;
    if (order > 0 && compareMarks(info, this.tried) > 0) this.isBehind = true;
    if (order === 0) this.follower.restart(info.bytes);
  }

  private trace(writer: string, name: string, value: Uint8Array | null, timestampMs: number): void {
    const trace = this.writers.get(writer) ?? { names: new Set(), lastRecordMs: 0, reach: undefined, base: undefined };
    trace.lastRecordMs = timestampMs;
    if (value === null) trace.names.delete(name);
    else trace.names.add(name);
    const mark = value === null ? undefined : markIn(name, value);
    if (mark && (!trace.reach || compareMarks(mark, trace.reach) > 0)) trace.reach = mark;
    if (name === HEAD) trace.base = mark; // Also where one that cannot be read has taken the place of one that could.
    if (mark && name === HEAD) this.newestBaseMs = Math.max(this.newestBaseMs ?? 0, timestampMs);
    if (trace.names.size === 0) this.writers.delete(writer);
    else this.writers.set(writer, trace);
  }

  private attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch {
      this.rejected += 1;
      return undefined;
    }
  }
}

function gather(raw: Raw, writer: string, name: string, value: Uint8Array | null): false {
  const parts = raw.get(writer) ?? new Map<string, Uint8Array>();
  if (value === null) parts.delete(name);
  else parts.set(name, value);
  raw.set(writer, parts);
  return false;
}

/** True if the delta goes no further than the state, which is seen without reading it. */
function isOld(value: Uint8Array, { state }: DeltaFollower): boolean {
  const mark = state && peekDelta(value);
  return mark !== undefined && compareMarks(mark, markOf(state!)) <= 0;
}

/** How far a base or a delta goes; undefined for other records, and for what cannot be read. */
function markIn(name: string, value: Uint8Array): Mark | undefined {
  if (isDelta(name)) return peekDelta(value);
  if (name !== HEAD) return undefined;
  try {
    return readBaseInfo(value);
  } catch {
    return undefined;
  }
}
