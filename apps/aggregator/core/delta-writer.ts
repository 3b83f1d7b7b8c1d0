import { CANCEL_PHASES, DECODE_REASONS, ERROR_TYPES, type Decoded, type InferometerEvent } from '#libs/contracts';
import { codeOf, FLAGS, OUTCOME_FIELDS, TRACED, type DeltaJson, type DeltaKind } from './delta-format.js';
import { traceIdOf } from './exemplar.js';
import { GAUGES, readingValues } from './kept.js';
import { engineOf, finishedReasonOf, FINISHED_REASONS, type TerminalEvent } from './measure.js';
import type { FoldRecord, Origin } from './partition-state.js';
import { FORMAT } from './rollup-keys.js';

type RequestEvent = Extract<InferometerEvent, { data: { request_id: string } }>;
type Identity = RequestEvent['data'];

/** A delta is cut at about this size. Escapes and long numbers can make six times as much of it at the worst, which a record still takes. */
const FULL_AT_BYTES = 150_000;
/** What a number and its comma take on average, rounded up. */
const NUMBER_BYTES = 4;

interface KnownProducer {
  readonly index: number;
  sequence: number;
}

interface KnownRequest {
  readonly index: number;
  readonly identity: Identity;
}

/**
 * Writes down, in a compact form, what a fold takes from its input: from it, any other state at the same offset can be moved on to the
 * same bytes. Everything that the fold does not look at is left out.
 */
export class DeltaWriter {
  private readonly requests: (string | number)[] = [];
  private readonly labels: string[] = [];
  private readonly sources: string[] = [];
  private readonly readings: (readonly (string | number | null)[])[] = [];
  private readonly traces: string[] = [];
  private readonly rows: number[] = [];
  private readonly producerOf = new Map<string, Map<string, KnownProducer>>();
  private readonly requestOf = new Map<string, KnownRequest>();
  private readonly seriesOf = new Map<string, number>();
  private end: bigint;
  private timestampMs = 0;
  private lastProducer = -1;
  private textBytes = 0;

  /** `from`: the offset that the state of this origin is at. */
  constructor(
    private readonly origin: Origin,
    private readonly from: bigint,
  ) {
    this.end = from;
  }

  /** The offset that a state is at after it. */
  get next(): bigint {
    return this.end;
  }

  /** How many offsets it covers. */
  get records(): number {
    return Number(this.end - this.from);
  }

  /** True if it is large enough for a record: no more should be added. */
  get isFull(): boolean {
    return this.rows.length * NUMBER_BYTES + this.textBytes >= FULL_AT_BYTES;
  }

  /** To be called before the record is applied to the state. One that was applied before is left out. */
  add({ offset, timestampMs }: FoldRecord, decoded: Decoded<InferometerEvent>): void {
    if (offset < this.end) return;
    const codeAt = this.rows.push(0) - 1;
    let flags = 0;
    if (offset > this.end) {
      flags |= FLAGS.offset;
      this.rows.push(Number(offset - this.end));
    }
    if (timestampMs !== this.timestampMs) {
      flags |= FLAGS.timestamp;
      this.rows.push(timestampMs - this.timestampMs);
    }
    this.end = offset + 1n;
    this.timestampMs = timestampMs;
    this.rows[codeAt] = decoded.ok ? this.event(decoded.value, flags) : codeOf('undecodable', flags);
    if (!decoded.ok) this.rows.push(DECODE_REASONS.indexOf(decoded.reason));
  }

  /** The delta up to here, as JSON. `lagMs`: how old the newest record was when it was read. */
  text(lagMs: number): string {
    const { epoch, replaced, start } = this.origin;
    const delta: DeltaJson = {
      format: FORMAT,
      origin: [epoch, replaced, String(start)],
      from: String(this.from),
      to: String(this.end),
      lag: Math.round(lagMs),
      sources: this.sources,
      labels: this.labels,
      requests: this.requests,
      readings: this.readings,
      ...(this.traces.length > 0 && { traces: this.traces }),
      rows: this.rows,
    };
    return JSON.stringify(delta);
  }

  /** Returns the row's code. */
  private event(event: InferometerEvent, headFlags: number): number {
    let flags = headFlags;
    const producer = this.producer(event);
    if (producer.index !== this.lastProducer) {
      flags |= FLAGS.producer;
      this.rows.push(producer.index);
      this.lastProducer = producer.index;
    }
    if (event.sequence !== producer.sequence + 1) {
      flags |= FLAGS.sequence;
      this.rows.push(event.sequence - producer.sequence);
    }
    producer.sequence = event.sequence;
    const timeMs = Date.parse(event.time);
    this.rows.push(this.timestampMs - timeMs);
    return this.payload(event, flags);
  }

  private payload(event: InferometerEvent, flags: number): number {
    switch (event.type) {
      case 'io.inferometer.request.received.v1':
        this.rows.push(this.request(event.data), event.data.max_tokens ?? -1, event.data.n ?? 1);
        return codeOf('received', flags);
      case 'io.inferometer.request.started.v1':
        this.rows.push(this.request(event.data), engineOf(event.data));
        return codeOf('started', flags);
      case 'io.inferometer.request.first_token.v1':
        this.rows.push(this.request(event.data));
        return codeOf('firstToken', flags);
      case 'io.inferometer.request.completed.v1':
        return this.ended(event, 'completed', FINISHED_REASONS.indexOf(finishedReasonOf(event)), flags);
      case 'io.inferometer.request.failed.v1':
        return this.ended(event, 'failed', ERROR_TYPES.indexOf(event.data.error_type), flags);
      case 'io.inferometer.request.cancelled.v1':
        return this.ended(event, 'cancelled', CANCEL_PHASES.indexOf(event.data.phase), flags);
      case 'io.inferometer.gateway.heartbeat.v1':
        for (const name of GAUGES) this.rows.push(event.data[name]);
        return codeOf('gatewayHeartbeat', flags);
      case 'io.inferometer.aggregator.heartbeat.v1':
        return codeOf('aggregatorHeartbeat', flags);
      case 'io.inferometer.gpu.read.v1':
        return this.reading(readingValues(event.data), flags);
      default:
        return codeOf('other', flags);
    }
  }

  private ended(event: TerminalEvent, kind: DeltaKind, how: number, flags: number): number {
    const { data } = event;
    this.rows.push(this.request(data), how);
    const maskAt = this.rows.push(0) - 1;
    let mask = 0;
    // With gaps, chunks are not looked at: they are the last of the fields.
    const fields = OUTCOME_FIELDS.length - Number(data.gaps !== undefined);
    for (let index = 0; index < fields; index += 1) {
      const value = data[OUTCOME_FIELDS[index]!];
      if (value === undefined) continue;
      mask |= 1 << index;
      this.rows.push(value);
    }
    this.rows[maskAt] = mask | this.trace(traceIdOf(event));
    if (data.gaps) this.rows.push(data.gaps.length, ...data.gaps);
    const isStream = data.stream ? FLAGS.stream : 0;
    return codeOf(kind, flags | isStream | (data.gaps ? FLAGS.gaps : 0));
  }

  /** Returns its bit in the mask. */
  private trace(id: string | undefined): number {
    if (id === undefined) return 0;
    this.traces.push(id);
    this.textBytes += id.length + 3;
    return TRACED;
  }

  private reading(values: readonly (string | number | null)[], flags: number): number {
    this.readings.push(values);
    for (const value of values) this.textBytes += typeof value === 'string' ? value.length + 3 : NUMBER_BYTES;
    return codeOf('gpuRead', flags);
  }

  private producer({ source, bootid }: InferometerEvent): KnownProducer {
    const known = this.producerOf.get(source)?.get(bootid);
    if (known) return known;
    const made = { index: this.sources.length / 2, sequence: 0 };
    this.sources.push(source, bootid);
    this.textBytes += source.length + bootid.length + 6;
    const boots = this.producerOf.get(source) ?? new Map<string, KnownProducer>();
    this.producerOf.set(source, boots.set(bootid, made));
    return made;
  }

  private request(identity: Identity): number {
    const known = this.requestOf.get(identity.request_id);
    if (known && isSame(known.identity, identity)) return known.index;
    const index = this.requests.length / 2;
    this.requests.push(identity.request_id, this.series(identity));
    this.textBytes += identity.request_id.length + 3 + NUMBER_BYTES;
    this.requestOf.set(identity.request_id, { index, identity });
    return index;
  }

  private series({ operation, model, tenant = '' }: Identity): number {
    // An operation has no space in it, so no two series share a key.
    const key = `${operation} ${model.length} ${model}${tenant}`;
    const known = this.seriesOf.get(key);
    if (known !== undefined) return known;
    const index = this.labels.length / 3;
    this.labels.push(operation, model, tenant);
    this.textBytes += key.length + 9;
    this.seriesOf.set(key, index);
    return index;
  }
}

function isSame(a: Identity, b: Identity): boolean {
  return a.model === b.model && a.operation === b.operation && a.tenant === b.tenant;
}
