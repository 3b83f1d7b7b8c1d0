import type { GatewayHeartbeat } from '#libs/contracts';
import { SequenceTracker, type Gap } from './sequence-tracker.js';
import type { Series } from './series.js';

/** What is known of a request between its first event and the time when no more of it can come. */
export interface OpenRequest {
  readonly series: Series;
  /** Its `received` event has come; until it does, the request is counted by its other events. */
  received: boolean;
  started: boolean;
  /** Its terminal event has come. It stays here only while older events of the producer may still come. */
  ended: boolean;
  /** It is counted as lost. */
  lost: boolean;
}

/** A producer may not hold more open requests than this per partition: the oldest then counts as lost. */
const MAX_OPEN = 100_000;

export type ProducerJson = readonly [
  source: string,
  bootId: string,
  sequences: readonly [highest: number, abandoned: number, gaps: readonly Gap[]],
  seen: readonly [lastSeenMs: number, lastHeartbeatMs: number, gapsSinceMs: number],
  alive: boolean,
  heartbeat: GatewayHeartbeat | null,
  open: readonly (readonly [requestId: string, seriesId: string, flags: number])[],
];

/** One life of one gateway, probe or aggregator, as one partition sees it. Times are log time in Unix ms. */
export class Producer {
  readonly sequences = new SequenceTracker();
  readonly open = new Map<string, OpenRequest>();
  alive = true;
  lastSeenMs = 0;
  lastHeartbeatMs = 0;
  /** When the oldest gap that is open now was found; 0 without one. */
  gapsSinceMs = 0;
  heartbeat: GatewayHeartbeat | undefined;

  constructor(
    readonly source: string,
    readonly bootId: string,
  ) {}

  get isGateway(): boolean {
    return this.source.startsWith('/gateways/');
  }

  /** True if the event is new. After a new one is applied, `settle` follows. */
  accept(sequence: number, logTimeMs: number): boolean {
    this.lastSeenMs = logTimeMs;
    const isNew = this.sequences.accept(sequence);
    if (this.gapsSinceMs === 0 && this.sequences.gaps.length > 0) this.gapsSinceMs = logTimeMs;
    return isNew;
  }

  received(requestId: string, series: Series): void {
    const known = this.open.get(requestId);
    if (known && !known.received) {
      known.received = true;
      return;
    }
    if (known) this.giveUp(known);
    this.add(requestId, { series, received: true, started: false, ended: false, lost: false });
  }

  started(requestId: string, series: Series): void {
    this.entry(requestId, series).started = true;
  }

  /** False if the request had ended before: a second terminal event counts nothing. */
  ended(requestId: string, series: Series): boolean {
    const request = this.entry(requestId, series);
    if (request.ended) return false;
    if (request.lost) request.series.addLost(-1);
    request.lost = false;
    request.ended = true;
    return true;
  }

  /** Forgets what no event can concern any more: ended requests, once no older event of the producer can still come. */
  settle(requestId: string): void {
    if (this.sequences.gaps.length > 0) return;
    if (this.gapsSinceMs > 0) {
      this.forgetEnded();
      return;
    }
    const request = this.open.get(requestId);
    if (request?.ended) this.forget(requestId, request);
  }

  /** Its open requests become lost. */
  die(): void {
    this.alive = false;
    for (const request of this.open.values()) this.giveUp(request);
  }

  /** It speaks again: what was given up is open again. */
  revive(): void {
    this.alive = true;
    for (const request of this.open.values()) {
      if (!request.lost) continue;
      request.lost = false;
      request.series.addLost(-1);
    }
  }

  /** Gives up missing events: what ended without a `received` event counts as received for good. */
  abandonGaps(): void {
    this.sequences.abandon();
    this.forgetEnded();
  }

  /** Its requests are not remembered any more; what was lost stays lost. */
  forgetAll(): void {
    for (const [requestId, request] of this.open) this.forget(requestId, request);
  }

  toJSON(): ProducerJson {
    const { highest, abandoned, gaps } = this.sequences;
    const open = [...this.open].map(([id, request]) => [id, request.series.id, flagsOf(request)] as const);
    return [
      this.source,
      this.bootId,
      [highest, abandoned, gaps],
      [this.lastSeenMs, this.lastHeartbeatMs, this.gapsSinceMs],
      this.alive,
      this.heartbeat ?? null,
      open.toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ];
  }

  static fromJSON(json: ProducerJson, seriesOf: (id: string) => Series): Producer {
    const [source, bootId, [highest, abandoned, gaps], [lastSeenMs, lastHeartbeatMs, gapsSinceMs], alive, heartbeat, open] = json;
    const producer = new Producer(source, bootId);
    Object.assign(producer.sequences, { highest, abandoned });
    producer.sequences.gaps.push(...gaps.map(([from, to]): Gap => [from, to]));
    Object.assign(producer, { lastSeenMs, lastHeartbeatMs, gapsSinceMs, alive, heartbeat: heartbeat ?? undefined });
    for (const [id, seriesId, flags] of open) producer.open.set(id, { series: seriesOf(seriesId), ...fromFlags(flags) });
    return producer;
  }

  private entry(requestId: string, series: Series): OpenRequest {
    return this.open.get(requestId) ?? this.add(requestId, { series, received: false, started: false, ended: false, lost: false });
  }

  private add(requestId: string, request: OpenRequest): OpenRequest {
    if (this.open.size >= MAX_OPEN) this.dropOldest();
    this.open.set(requestId, request);
    if (!this.alive) this.giveUp(request);
    return request;
  }

  private dropOldest(): void {
    const [requestId, request] = this.open.entries().next().value!;
    this.giveUp(request);
    this.forget(requestId, request);
  }

  private giveUp(request: OpenRequest): void {
    if (request.ended || request.lost) return;
    request.lost = true;
    request.series.addLost(1);
  }

  private forgetEnded(): void {
    this.gapsSinceMs = 0;
    for (const [requestId, request] of this.open) if (request.ended) this.forget(requestId, request);
  }

  private forget(requestId: string, request: OpenRequest): void {
    this.open.delete(requestId);
    if (request.received) return;
    request.series.receivedMissing += 1;
    request.series.changed = true;
  }
}

function flagsOf(request: OpenRequest): number {
  return Number(request.received) + 2 * Number(request.started) + 4 * Number(request.ended) + 8 * Number(request.lost);
}

function fromFlags(flags: number): Omit<OpenRequest, 'series'> {
  return { received: (flags & 1) > 0, started: (flags & 2) > 0, ended: (flags & 4) > 0, lost: (flags & 8) > 0 };
}
