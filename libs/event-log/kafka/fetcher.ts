import { Bell } from '../bell.js';
import { Backoff } from './backoff.js';
import { type Cluster, type Lane, REQUEST_TIMEOUT_MS, type TopicLayout } from './cluster.js';
import { FETCH, type FetchAnswer } from './data-apis.js';
import { CODE, errorOfCode } from './errors.js';
import type { PartitionReading } from './partition-reading.js';

/** How long a broker holds a fetch back while there is nothing new. Short while a partition is left out, which may want its turn soon. */
const LONG_WAIT_MS = 500;
const SHORT_WAIT_MS = 30;
const MAX_BYTES = 8 * 1_048_576;
const MAX_PARTITION_BYTES = 1_048_576;

interface Wanted {
  readonly reading: PartitionReading;
  readonly offset: bigint;
}

/**
 * Keeps the readings of one topic supplied: one loop per broker, which fetches what its partitions have room for. Rides out whatever passes.
 */
export class Fetcher {
  private readonly readings = new Map<number, PartitionReading>();
  private readonly loops = new Map<number, { readonly bell: Bell; readonly done: Promise<void> }>();
  private turn = 0;
  private closed = false;

  constructor(
    private readonly cluster: Cluster,
    private readonly topic: string,
    private readonly lane: Lane,
    private readonly onFailure: (cause: Error) => void,
  ) {}

  /** Supplies a reading, from the moment at which it wants something. */
  add(reading: PartitionReading): void {
    this.readings.set(reading.partition, reading);
    this.wake();
  }

  remove(reading: PartitionReading): void {
    if (this.readings.get(reading.partition) === reading) this.readings.delete(reading.partition);
  }

  /** To be called when a reading wants something. */
  wake(): void {
    const layout = this.cluster.known(this.topic);
    for (const leader of this.leadersIn(layout)) this.startLoop(leader);
    for (const { bell } of this.loops.values()) bell.ring();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.cluster.closeLane(this.lane);
    for (const { bell } of this.loops.values()) bell.ring();
    await Promise.all([...this.loops.values()].map(({ done }) => done));
  }

  /** Partitions without a known leader are looked after by a loop of their own, under -1. */
  private leadersIn(layout: TopicLayout | undefined): Set<number> {
    return new Set([...this.readings.keys()].map((partition) => layout?.leaders[partition] ?? -1));
  }

  private startLoop(leader: number): void {
    if (this.closed || this.loops.has(leader)) return;
    const bell = new Bell();
    this.loops.set(leader, { bell, done: this.run(leader, bell) });
  }

  private async run(leader: number, bell: Bell): Promise<void> {
    const backoff = new Backoff();
    while (!this.closed) {
      try {
        const layout = await this.layout();
        const led = [...this.readings.values()].filter(({ partition }) => (layout.leaders[partition] ?? -1) === leader);
        if (led.length === 0) break;
        await this.round(leader, layout, led, bell);
        backoff.succeeded();
      } catch {
        this.cluster.forget(this.topic);
        if (!this.closed) await bell.wait(backoff.take());
      }
    }
    this.loops.delete(leader);
  }

  private async round(leader: number, { id }: TopicLayout, led: readonly PartitionReading[], bell: Bell): Promise<void> {
    for (const reading of led) if (reading.topicId !== id) reading.divert('new topic');
    const wanted = led.flatMap((reading): Wanted[] =>
      reading.fetchOffset === undefined ? [] : [{ reading, offset: reading.fetchOffset }],
    );
    if (wanted.length === 0) return bell.wait(LONG_WAIT_MS);
    this.turn += 1;
    const first = this.turn % wanted.length; // Each gets to be the first in turn, for an answer may be full before the last.
    const ordered = [...wanted.slice(first), ...wanted.slice(0, first)];
    const maxWaitMs = wanted.length === led.length ? LONG_WAIT_MS : SHORT_WAIT_MS;
    const answer = await this.cluster.requestNode(
      leader,
      this.lane,
      FETCH,
      {
        topicId: id,
        maxWaitMs,
        maxBytes: MAX_BYTES,
        maxPartitionBytes: MAX_PARTITION_BYTES,
        partitions: ordered.map(({ reading, offset }) => ({ partition: reading.partition, offset })),
      },
      maxWaitMs + REQUEST_TIMEOUT_MS,
    );
    this.hand(answer, wanted);
  }

  private hand({ code, partitions }: FetchAnswer, wanted: readonly Wanted[]): void {
    const askedFor = new Map(wanted.map((one) => [one.reading.partition, one]));
    let failure = code;
    for (const fetched of partitions) {
      const asked = askedFor.get(fetched.partition);
      if (!asked) continue;
      if (fetched.code === CODE.offsetOutOfRange) asked.reading.divert('gone', asked.offset);
      else if (fetched.code !== CODE.none) failure = fetched.code;
      else this.accept(asked, fetched.batches, fetched.end);
    }
    if (failure !== CODE.none) throw errorOfCode(failure, `fetching from ${this.topic}`);
  }

  private accept({ reading, offset }: Wanted, batches: Buffer, end: bigint): void {
    try {
      reading.accept(offset, batches, end);
    } catch (error) {
      this.onFailure(error as Error);
    }
  }

  private async layout(): Promise<TopicLayout> {
    const layout = await this.cluster.topic(this.topic);
    for (const leader of this.leadersIn(layout)) this.startLoop(leader);
    return layout;
  }
}
