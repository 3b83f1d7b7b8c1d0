import type { Decoded, DecodeReason, EventOf, GpuReading, InferometerEvent } from '#libs/contracts';
import type { Bucket } from './bucket.js';
import { Buckets, FINE_MS, MAX_AHEAD_MS, startOf } from './buckets.js';
import { traceIdOf } from './exemplar.js';
import { gaugesOf, readingFrom, readingValues, type Gauges } from './kept.js';
import { engineOf, measure, reachedUpstream, type TerminalEvent } from './measure.js';
import type { Producer } from './producer.js';
import { Producers } from './producers.js';
import { SeriesTable, type LabelLimits, type Series } from './series.js';

/** Brokers' clocks differ by less than this. A record older than that before the newest one says that the log's clock was set back. */
const CLOCK_SET_BACK_MS = 60_000;
const GPU_KEPT_MS = 3_600_000;
/** More GPUs than this in one partition are not a fleet but a fault: the one heard of longest ago is forgotten. */
const MAX_GPUS = 10_000;

type RequestEvent = Extract<InferometerEvent, { data: { request_id: string } }>;
type HeartbeatEvent = EventOf<'io.inferometer.gateway.heartbeat.v1'> | EventOf<'io.inferometer.aggregator.heartbeat.v1'>;

export interface GpuState {
  readonly reading: GpuReading;
  /** Log time of the reading, in Unix ms. */
  readonly atMs: number;
}

/** One record of an input topic. */
export interface FoldRecord {
  readonly offset: bigint;
  /** The log's own clock at the append, in Unix ms. */
  readonly timestampMs: number;
}

/** Where a state began. */
export interface Origin {
  /** Grows each time the fold of a partition begins anew, for another topic or by order. States are ordered by epoch, then by offset. */
  readonly epoch: number;
  /** How often it began anew because the topic had been replaced. */
  readonly replaced: number;
  /** The offset of the first record wanted. */
  readonly start: bigint;
}

export const FIRST_ORIGIN: Origin = { epoch: 0, replaced: 0, start: 0n };

/**
 * The fold over one input partition: a pure, deterministic function of its records in offset order.
 * Time comes from the records only. Nothing here does I/O, and nothing a record can hold makes it throw.
 */
export class PartitionState {
  /** The offset of the next record wanted. */
  next: bigint;
  /** The timestamp of the record before `next`; 0 before the first. */
  lastTimestampMs = 0;
  /** Records that were gone before they could be read. */
  gapEvents = 0;
  /** The partition's clock: the greatest record timestamp seen, unless the log's clock was set back. */
  logTimeMs = 0;
  /** When the counters began, in log time. */
  firstTimeMs = 0;
  duplicates = 0;
  /** Events whose own time was more than a minute ahead of the log's. */
  skewed = 0;
  peakRunning = 0;
  lastGatewayHeartbeatMs = 0;
  readonly undecodable = new Map<DecodeReason, number>();
  readonly producers = new Producers();
  readonly buckets = new Buckets();
  /** In the order in which they were last heard of. */
  readonly gpus = new Map<string, GpuState>();
  readonly series: SeriesTable;

  constructor(
    limits: LabelLimits,
    readonly origin: Origin = FIRST_ORIGIN,
  ) {
    this.next = origin.start;
    this.series = new SeriesTable(limits);
  }

  /** Applies a record once: one below `next` was applied before and changes nothing. */
  apply(record: FoldRecord, decoded: Decoded<InferometerEvent>): void {
    if (record.offset < this.next) return;
    if (record.offset > this.next) this.gapEvents += Number(record.offset - this.next);
    this.next = record.offset + 1n;
    this.lastTimestampMs = record.timestampMs;
    this.advance(record.timestampMs);
    if (decoded.ok) this.applyEvent(decoded.value, record.timestampMs);
    else this.undecodable.set(decoded.reason, (this.undecodable.get(decoded.reason) ?? 0) + 1);
  }

  private advance(timestampMs: number): void {
    if (this.firstTimeMs === 0) this.firstTimeMs = timestampMs;
    const behindMs = this.logTimeMs - timestampMs;
    if (behindMs >= 0 && behindMs < CLOCK_SET_BACK_MS) return;
    this.logTimeMs = timestampMs;
    this.buckets.advance(timestampMs);
    if (behindMs > 0) this.turnBack(timestampMs);
  }

  /** Else nobody would be found dead, and no window would move on, until the clock is where it was. */
  private turnBack(timeMs: number): void {
    this.firstTimeMs = Math.min(this.firstTimeMs, timeMs);
    this.lastGatewayHeartbeatMs = Math.min(this.lastGatewayHeartbeatMs, timeMs);
    this.producers.turnBack(timeMs);
    for (const series of this.series.byId.values()) series.turnBack(timeMs);
    for (const [key, { reading, atMs }] of this.gpus) this.gpus.set(key, { reading, atMs: Math.min(atMs, timeMs) });
  }

  private applyEvent(event: InferometerEvent, timestampMs: number): void {
    const producer = this.producers.of(event, this.logTimeMs);
    if (!producer.accept(event.sequence, this.logTimeMs)) {
      this.duplicates += 1;
      return;
    }
    this.dispatch(event, producer, timestampMs);
    // By its type: any event may have more fields than we know.
    if (isOfRequest(event)) producer.settle(event.data.request_id);
    else producer.settleAll();
  }

  private dispatch(event: InferometerEvent, producer: Producer, timestampMs: number): void {
    switch (event.type) {
      case 'io.inferometer.request.received.v1':
        return this.applyReceived(event, producer, timestampMs);
      case 'io.inferometer.request.started.v1':
        return producer.started(event.data.request_id, this.seriesOf(event.data), engineOf(event.data));
      case 'io.inferometer.request.completed.v1':
      case 'io.inferometer.request.failed.v1':
      case 'io.inferometer.request.cancelled.v1':
        return this.applyEnded(event, producer, timestampMs);
      case 'io.inferometer.gateway.heartbeat.v1':
      case 'io.inferometer.aggregator.heartbeat.v1':
        return this.applyHeartbeat(event, producer);
      case 'io.inferometer.gpu.read.v1':
        return this.applyReading(event, producer);
      default:
    }
  }

  private applyReceived(event: EventOf<'io.inferometer.request.received.v1'>, producer: Producer, timestampMs: number): void {
    const series = this.seriesOf(event.data);
    const { request_id: id, max_tokens: maxTokens = -1, n = 1 } = event.data;
    producer.received(id, series, event.sequence, maxTokens, n);
    series.figures.received += 1;
    const bucket = this.bucketOf(event, timestampMs, series);
    if (bucket) bucket.of(series.id).received += 1;
  }

  private applyEnded(event: TerminalEvent, producer: Producer, timestampMs: number): void {
    const series = this.seriesOf(event.data);
    const request = producer.ended(event.data.request_id, series, event.sequence, reachedUpstream(event));
    if (!request) return;
    const measured = measure(event);
    const traceId = traceIdOf(event);
    series.addEnded(event, measured, request, traceId === undefined ? undefined : { id: traceId, timestampMs });
    this.bucketOf(event, timestampMs, series)?.of(series.id).addEnded(event, measured);
  }

  private applyReading(event: EventOf<'io.inferometer.gpu.read.v1'>, producer: Producer): void {
    producer.lastHeartbeatMs = this.logTimeMs;
    const key = `${event.data.host}/${event.data.uuid}`;
    if (isNewest(event, producer)) this.keep(key, { reading: readingFrom(readingValues(event.data)), atMs: this.logTimeMs });
    this.housekeep();
  }

  /** The one heard of longest ago stands first. */
  private keep(key: string, gpu: GpuState): void {
    this.gpus.delete(key);
    const [oldest] = this.gpus.keys();
    if (oldest !== undefined && this.gpus.size >= MAX_GPUS) this.gpus.delete(oldest);
    this.gpus.set(key, gpu);
  }

  /** A heartbeat revives its producer, but not if the source wrote it before its next life began: then a spool is delivered. */
  private applyHeartbeat(event: HeartbeatEvent, producer: Producer): void {
    producer.lastHeartbeatMs = this.logTimeMs;
    if (!producer.alive && Date.parse(event.time) >= producer.succeededMs) producer.revive();
    const isNews = producer.alive && isNewest(event, producer);
    if (isNews && event.type === 'io.inferometer.gateway.heartbeat.v1') this.applyGauges(event.data, producer);
    this.housekeep();
  }

  private housekeep(): void {
    this.producers.housekeep(this.logTimeMs);
    for (const [key, { atMs }] of this.gpus) {
      if (this.logTimeMs - atMs <= GPU_KEPT_MS) break;
      this.gpus.delete(key);
    }
  }

  /** The fleet's peak is this gateway's peak since its last heartbeat beside what the others said last. */
  private applyGauges(heartbeat: Gauges, producer: Producer): void {
    producer.heartbeat = gaugesOf(heartbeat);
    producer.endGhosts();
    this.lastGatewayHeartbeatMs = this.logTimeMs;
    let peak = heartbeat.peak_running;
    for (const other of this.producers.all()) if (other !== producer && other.alive) peak += other.heartbeat?.running ?? 0;
    this.peakRunning = Math.max(this.peakRunning, peak);
    this.buckets.at(this.logTimeMs)?.seePeak(peak);
  }

  private seriesOf(data: { readonly operation: string; readonly model: string; readonly tenant?: string }) {
    return this.series.of(data.operation, data.model, data.tenant);
  }

  /** The bucket for an event of `series`, which was seen then. */
  private bucketOf(event: InferometerEvent, timestampMs: number, series: Series): Bucket | undefined {
    const timeMs = Date.parse(event.time);
    const latestMs = timestampMs + MAX_AHEAD_MS;
    if (timeMs > latestMs) this.skewed += 1;
    if (Number.isNaN(timeMs)) return undefined;
    series.lastSeenMs = Math.max(series.lastSeenMs, startOf(Math.min(timeMs, latestMs), FINE_MS));
    return this.buckets.at(Math.min(timeMs, latestMs));
  }
}

function isOfRequest(event: InferometerEvent): event is RequestEvent {
  return event.type.startsWith('io.inferometer.request.');
}

/** False for an event that comes after younger ones of its producer. */
function isNewest({ sequence }: InferometerEvent, producer: Producer): boolean {
  return sequence === producer.sequences.highest;
}
