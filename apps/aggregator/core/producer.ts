import { hashOf } from './hash.js';
import type { Gauges } from './kept.js';
import { SequenceTracker, type Gap } from './sequence-tracker.js';
import type { Series } from './series.js';

/** What is known of a request between its first event and the time when no more of it can come. */
export interface OpenRequest {
  readonly series: Series;
  /** The sequence of its `received` event. 0 until that comes: then the request is counted by its other events. */
  receivedAt: number;
  started: boolean;
  /** The index of its upstream; 0 until it is known. */
  engine: number;
  /** What it asked for, if `received` has come; -1 tokens: no limit. */
  maxTokens: number;
  n: number;
  /** It ended, and had reached the upstream. */
  reached: boolean;
  /** The sequence of its terminal event, or 0. An ended request stays only while older events of it may still come. */
  endedAt: number;
  /** It is counted as lost. */
  lost: boolean;
}

/** A producer may not hold more open requests than this per partition: the oldest then counts as lost. */
const MAX_OPEN = 100_000;

type HeadJson = readonly [
  source: string,
  bootId: string,
  sequences: readonly [highest: number, abandoned: number, gaps: readonly Gap[]],
  times: readonly [lastSeenMs: number, lastHeartbeatMs: number, succeededMs: number],
  alive: boolean,
  heartbeat: Gauges | null,
];
type OpenJson = readonly [
  requestId: string,
  seriesId: string,
  receivedAt: number,
  endedAt: number,
  flags: number,
  engine: number,
  maxTokens: number,
  n: number,
];
/** What is not known yet. */
const NEW = { receivedAt: 0, started: false, engine: 0, maxTokens: -1, n: 1, reached: false, endedAt: 0, lost: false };

/** One life of one gateway, probe or aggregator, as one partition sees it. Times are log time in Unix ms, unless they say otherwise. */
export class Producer {
  /** Same life, same id, in every partition and on every replica. */
  readonly id: string;
  readonly sequences = new SequenceTracker();
  readonly open = new Map<string, OpenRequest>();
  alive = true;
  lastSeenMs = 0;
  lastHeartbeatMs = 0;
  /** When, by the clock of the source, its next life began; 0 while this is the last one. */
  succeededMs = 0;
  /** What it last said of itself. */
  heartbeat: Gauges | undefined;
  /** Requests that have ended are among the open ones. */
  private holdsEnded = false;

  constructor(
    readonly source: string,
    readonly bootId: string,
  ) {
    this.id = hashOf(JSON.stringify([source, bootId]));
  }

  get isGateway(): boolean {
    return this.source.startsWith('/gateways/');
  }

  /** True if the event is new. After a new one is applied, `settle` follows. */
  accept(sequence: number, logTimeMs: number): boolean {
    this.lastSeenMs = logTimeMs;
    return this.sequences.accept(sequence, logTimeMs);
  }

  /** `maxTokens`: -1 if it sets no limit. */
  received(requestId: string, series: Series, sequence: number, maxTokens: number, n: number): void {
    const known = this.open.get(requestId);
    if (known?.receivedAt === 0) {
      [known.receivedAt, known.maxTokens, known.n] = [sequence, maxTokens, n];
      if (known.reached) known.series.addAsked(known);
      return;
    }
    if (known) this.giveUp(known);
    this.add(requestId, { ...NEW, series, receivedAt: sequence, maxTokens, n });
  }

  /** `engine`: the index of the upstream that it was sent to. */
  started(requestId: string, series: Series, engine: number): void {
    const request = this.entry(requestId, series);
    request.started = true;
    if (request.endedAt === 0) request.engine = engine;
  }

  /** Undefined if the request had ended before: a second terminal event counts nothing. */
  ended(requestId: string, series: Series, sequence: number, reached: boolean): OpenRequest | undefined {
    const request = this.entry(requestId, series);
    if (request.endedAt > 0) return undefined;
    if (request.lost) request.series.addLost(-1);
    request.lost = false;
    request.endedAt = sequence;
    request.reached = reached;
    return request;
  }

  /** Forgets a request that has ended, once no older event of it can still come; those held back for gaps, once all gaps are closed. */
  settle(requestId: string): void {
    if (this.settleAll()) return;
    const request = this.open.get(requestId);
    if (!request || request.endedAt === 0) return;
    if (this.isComplete(request)) this.forget(requestId, request);
    else this.holdsEnded = true;
  }

  /** The part of `settle` that is about no request. True if there is nothing else to settle. */
  settleAll(): boolean {
    const isDue = this.holdsEnded && this.sequences.gaps.length === 0;
    if (isDue) this.forgetEnded();
    return isDue;
  }

  /**
   * A gateway that has nothing in hand, and of which nothing is missing any more, says so in its newest heartbeat: the end of a request
   * that is open here was dropped on the way. It becomes lost, and if its end is told after all, it moves there.
   */
  endGhosts(): void {
    const { heartbeat, sequences } = this;
    if (!heartbeat || heartbeat.waiting > 0 || heartbeat.running > 0 || sequences.gaps.length > 0) return;
    for (const request of this.open.values()) this.giveUp(request);
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

  /** Gives up events that were found missing before `timeMs`: what ended without a `received` event then counts as received for good. */
  abandonGaps(timeMs: number): void {
    if (this.sequences.abandon(timeMs)) this.forgetEnded();
  }

  /** Its requests are not remembered any more; what was lost stays lost. */
  forgetAll(): void {
    for (const [requestId, request] of this.open) this.forget(requestId, request);
  }

  /** Shares nothing with it; its requests are of the series that `seriesOf` gives for their ids. Throws if that does. */
  clone(seriesOf: (id: string) => Series): Producer {
    const copy = new Producer(this.source, this.bootId);
    copy.sequences.become(this.sequences);
    for (const [id, request] of this.open) copy.open.set(id, { ...request, series: seriesOf(request.series.id) });
    const { alive, lastSeenMs, lastHeartbeatMs, succeededMs, heartbeat, holdsEnded } = this;
    return Object.assign(copy, { alive, lastSeenMs, lastHeartbeatMs, succeededMs, heartbeat, holdsEnded });
  }

  /** As lines of JSON: one about itself, then one for each open request, oldest first. */
  *lines(): Generator<string> {
    const { highest, abandoned, gaps } = this.sequences;
    const times = [this.lastSeenMs, this.lastHeartbeatMs, this.succeededMs] as const;
    const head: HeadJson = [this.source, this.bootId, [highest, abandoned, gaps], times, this.alive, this.heartbeat ?? null];
    yield JSON.stringify(head);
    for (const [id, { series, receivedAt, endedAt, started, lost, reached, engine, maxTokens, n }] of this.open) {
      const flags = Number(started) + 2 * Number(lost) + 4 * Number(reached);
      const json: OpenJson = [id, series.id, receivedAt, endedAt, flags, engine, maxTokens, n];
      yield JSON.stringify(json);
    }
  }

  /** Throws if `lines` are not what `lines()` gives, or if `seriesOf` does. */
  static fromLines([head = '', ...open]: readonly string[], seriesOf: (id: string) => Series): Producer {
    const [source, bootId, [highest, abandoned, gaps], times, alive, heartbeat] = JSON.parse(head) as HeadJson;
    const [lastSeenMs, lastHeartbeatMs, succeededMs] = times;
    const producer = new Producer(source, bootId);
    producer.sequences.become({ highest, abandoned, gaps });
    Object.assign(producer, { lastSeenMs, lastHeartbeatMs, succeededMs, alive, heartbeat: heartbeat ?? undefined });
    for (const line of open) {
      const [id, seriesId, receivedAt, endedAt, flags, engine, maxTokens, n] = JSON.parse(line) as OpenJson;
      const [started, lost, reached] = [(flags & 1) > 0, (flags & 2) > 0, (flags & 4) > 0];
      producer.open.set(id, { series: seriesOf(seriesId), receivedAt, started, engine, maxTokens, n, reached, endedAt, lost });
      producer.holdsEnded ||= endedAt > 0;
    }
    return producer;
  }

  private entry(requestId: string, series: Series): OpenRequest {
    return this.open.get(requestId) ?? this.add(requestId, { ...NEW, series });
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
    if (request.endedAt > 0 || request.lost) return;
    request.lost = true;
    request.series.addLost(1);
  }

  /** True if none of the missing events can be one of its own: they lie before its first or behind its last. */
  private isComplete({ receivedAt, endedAt }: OpenRequest): boolean {
    return this.sequences.gaps.every(([from, to]) => to < receivedAt || from > endedAt);
  }

  private forgetEnded(): void {
    this.holdsEnded = false;
    for (const [requestId, request] of this.open) {
      if (request.endedAt === 0) continue;
      if (this.isComplete(request)) this.forget(requestId, request);
      else this.holdsEnded = true;
    }
  }

  private forget(requestId: string, request: OpenRequest): void {
    this.open.delete(requestId);
    if (request.receivedAt === 0) request.series.receivedMissing += 1;
  }
}
