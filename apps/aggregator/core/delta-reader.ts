import { CANCEL_PHASES, DECODE_REASONS, ERROR_TYPES, type Decoded, type EventType, type InferometerEvent } from '#libs/contracts';
import { FLAGS, kindOf, OUTCOME_FIELDS, TRACED, type DeltaJson, type DeltaKind } from './delta-format.js';
import { isTraceId, traceparentOf } from './exemplar.js';
import { GAUGES, readingFrom } from './kept.js';
import { FINISHED_REASONS } from './measure.js';
import type { Mark } from './base-reader.js';
import type { FoldRecord, Origin } from './partition-state.js';
import { FORMAT } from './rollup-keys.js';
import { originOf } from './state-parts.js';

/** A record as the fold takes it. */
export interface Entry extends FoldRecord {
  readonly decoded: Decoded<InferometerEvent>;
}

/** A stretch of a partition's records: it moves any state of its epoch on that is not before `from` and before `to`. */
export class Delta {
  readonly origin: Origin;
  readonly from: bigint;
  readonly to: bigint;
  /** How old the newest record was when its writer read it. */
  readonly lagMs: number;

  /** Throws if the bytes are no delta of this format. */
  static parse(bytes: Uint8Array): Delta {
    const json = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as DeltaJson;
    if (json.format !== FORMAT) throw new Error('a delta of another format');
    return new Delta(json, bytes.byteLength);
  }

  private constructor(
    private readonly json: DeltaJson,
    /** The size of what it was read from. */
    readonly bytes: number,
  ) {
    this.origin = originOf(json.origin);
    this.from = BigInt(json.from);
    this.to = BigInt(json.to);
    this.lagMs = json.lag;
  }

  /** The records, in order. Throws if a row is not what a writer writes. */
  entries(): readonly Entry[] {
    return new Rows(this.json, this.from).read();
  }
}

const PEEKED_BYTES = 200;
const BEGINNING = new RegExp(`^\\{"format":${FORMAT},"origin":\\[(\\d+),\\d+,"\\d+"\\],"from":"\\d+","to":"(\\d+)"`);

/** How far a delta goes, without reading it all; undefined if that is not to be seen. */
export function peekDelta(bytes: Uint8Array): Mark | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, PEEKED_BYTES)).toString('latin1');
  const match = BEGINNING.exec(text);
  return match ? { epoch: Number(match[1]), next: BigInt(match[2]!) } : undefined;
}

type Fields = Record<string, unknown>;

const TYPES: Readonly<Partial<Record<DeltaKind, EventType>>> = {
  received: 'io.inferometer.request.received.v1',
  started: 'io.inferometer.request.started.v1',
  firstToken: 'io.inferometer.request.first_token.v1',
  completed: 'io.inferometer.request.completed.v1',
  failed: 'io.inferometer.request.failed.v1',
  cancelled: 'io.inferometer.request.cancelled.v1',
  gatewayHeartbeat: 'io.inferometer.gateway.heartbeat.v1',
  aggregatorHeartbeat: 'io.inferometer.aggregator.heartbeat.v1',
  gpuRead: 'io.inferometer.gpu.read.v1',
  other: 'io.inferometer.alert.changed.v1',
};

/** Reads rows from the first to the last. */
class Rows {
  private at = 0;
  private readingsTaken = 0;
  private tracesTaken = 0;
  /** The row that is read names a trace. */
  private isTraced = false;
  private timestampMs = 0;
  private producer = -1;
  private readonly sequences: number[] = [];
  private lastTimeMs = NaN;
  private lastTime = '';

  constructor(
    private readonly json: DeltaJson,
    private next: bigint,
  ) {}

  read(): readonly Entry[] {
    const entries: Entry[] = [];
    while (this.at < this.json.rows.length) entries.push(this.row());
    if (String(this.next) !== this.json.to) throw new Error('a delta with rows missing');
    return entries;
  }

  private row(): Entry {
    const code = this.number();
    const kind = kindOf(code);
    if (code & FLAGS.offset) this.next += BigInt(this.number());
    if (code & FLAGS.timestamp) this.timestampMs += this.number();
    const offset = this.next;
    this.next += 1n;
    return { offset, timestampMs: this.timestampMs, decoded: kind === 'undecodable' ? this.undecodable() : this.event(kind, code) };
  }

  private undecodable(): Decoded<InferometerEvent> {
    return { ok: false, reason: known(DECODE_REASONS[this.number()]), detail: '' };
  }

  private event(kind: DeltaKind | undefined, code: number): Decoded<InferometerEvent> {
    const type = kind && TYPES[kind];
    if (!type) throw new Error('a row of an unknown kind');
    if (code & FLAGS.producer) this.producer = this.number();
    const sequence = (code & FLAGS.sequence ? this.number() : 1) + (this.sequences[this.producer] ?? 0);
    this.sequences[this.producer] = sequence;
    const { sources } = this.json;
    const [source, bootid] = [known(sources[2 * this.producer]), known(sources[2 * this.producer + 1])];
    this.isTraced = false;
    const event: Fields = { source, bootid, type, sequence, time: this.time(), data: this.data(kind, code) };
    if (this.isTraced) event['traceparent'] = this.traceparent();
    return { ok: true, value: event as unknown as InferometerEvent };
  }

  private data(kind: DeltaKind, code: number): Fields {
    switch (kind) {
      case 'received':
        return this.received();
      case 'started':
        return { ...this.identity(), upstream_index: this.number() };
      case 'firstToken':
        return this.identity();
      case 'completed':
      case 'failed':
      case 'cancelled':
        return this.ended(kind, code);
      case 'gatewayHeartbeat':
        return Object.fromEntries(GAUGES.map((name) => [name, this.number()]));
      case 'gpuRead':
        return this.reading();
      default:
        return {};
    }
  }

  private received(): Fields {
    const data = this.identity();
    const maxTokens = this.number();
    if (maxTokens >= 0) data['max_tokens'] = maxTokens;
    data['n'] = this.number();
    return data;
  }

  private ended(kind: DeltaKind, code: number): Fields {
    const data = this.identity();
    data['stream'] = (code & FLAGS.stream) > 0;
    const how = this.number();
    if (kind === 'completed') data['finish_reason'] = known(FINISHED_REASONS[how]);
    else if (kind === 'failed') data['error_type'] = known(ERROR_TYPES[how]);
    else data['phase'] = known(CANCEL_PHASES[how]);
    const mask = this.number();
    for (let index = 0; index < OUTCOME_FIELDS.length; index += 1) {
      if (mask & (1 << index)) data[OUTCOME_FIELDS[index]!] = this.number();
    }
    this.isTraced = (mask & TRACED) > 0;
    if (code & FLAGS.gaps) data['gaps'] = this.numbers(this.number());
    return data;
  }

  private traceparent(): string {
    const id = this.json.traces?.[this.tracesTaken];
    this.tracesTaken += 1;
    if (!isTraceId(id)) throw new Error('a row with a trace that is none');
    return traceparentOf(id);
  }

  private reading(): Fields {
    const values = known(this.json.readings[this.readingsTaken]);
    this.readingsTaken += 1;
    return readingFrom(values);
  }

  private identity(): Fields {
    const { requests, labels } = this.json;
    const at = 2 * this.number();
    const series = 3 * Number(known(requests[at + 1]));
    const tenant = known(labels[series + 2]);
    return {
      request_id: known(requests[at]),
      operation: known(labels[series]),
      model: known(labels[series + 1]),
      ...(tenant !== '' && { tenant }),
    };
  }

  private time(): string {
    const timeMs = this.timestampMs - (this.json.rows[this.at] ?? NaN);
    this.at += 1;
    // Writing a time down is a good part of the work, and many events share one. One that could not be read stays so.
    if (timeMs !== this.lastTimeMs) this.lastTime = Number.isNaN(timeMs) ? '' : new Date(timeMs).toISOString();
    this.lastTimeMs = timeMs;
    return this.lastTime;
  }

  private numbers(count: number): readonly number[] {
    const values: number[] = [];
    while (values.length < count) values.push(this.number());
    return values;
  }

  private number(): number {
    const value = this.json.rows[this.at];
    if (typeof value !== 'number') throw new Error('a row without a number where one must be');
    this.at += 1;
    return value;
  }
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a row that names what is not there');
  return value;
}
