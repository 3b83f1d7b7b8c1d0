import { setTimeout as sleep } from 'node:timers/promises';
import { EventLogError, type EventLog, type Following, type LogRecord } from '#libs/event-log';
import type { FleetView } from '../core/fleet-view.js';
import { unpack } from '../out/packing.js';
import { sliced } from '../out/sliced.js';

const RETRY_MS = 500;

/** One reading of all rollups: how long it took, and how many records they were. */
export interface Restored {
  readonly seconds: number;
  readonly records: number;
}

/** Keeps the view up to date with the rollup topic: reads it all, then follows, and reads it again where deltas do not lead on. */
export class RollupFollowing {
  /** Resolves with the cause if following dies for good; never rejects. */
  readonly failed: Promise<Error>;
  private fail!: (cause: Error) => void;
  private following: Following | undefined;
  private reading: Promise<void> | undefined;
  private readonly closing = new AbortController();
  private last: Restored | undefined;
  private taken = 0;

  constructor(
    private readonly log: EventLog,
    private readonly topic: string,
    private readonly view: FleetView,
  ) {
    this.failed = new Promise((resolve) => {
      this.fail = resolve;
    });
  }

  /** The last reading that has come to its end. */
  get restored(): Restored | undefined {
    return this.last;
  }

  /** Resolves when the view holds everything that was stored before the call. Rejects if the topic cannot be read now. */
  start(): Promise<void> {
    return this.once(() => this.read());
  }

  /** Resolves when the view holds everything that was stored before the call, however long the log is away; rejects if following ends before. */
  async catchUp(): Promise<void> {
    await this.reading;
    await this.following?.catchUp();
    // What came in may have asked for another reading.
    await this.reading;
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.following?.close();
    await this.reading?.catch(() => undefined);
    await this.following?.close();
  }

  private once(work: () => Promise<void>): Promise<void> {
    this.reading ??= work().finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  /** Tries for as long as trying makes sense: until it was read, nothing is followed. */
  private async readAgain(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      try {
        return await this.read();
      } catch (error) {
        if (error instanceof EventLogError) throw error;
        await sleep(RETRY_MS, undefined, { signal });
      }
    }
  }

  private async read(): Promise<void> {
    await this.following?.close();
    const startMs = performance.now();
    this.taken = 0;
    this.view.gather();
    const following = await this.log.follow(this.topic, 'beginning', { records: (_partition, records) => this.take(records) });
    this.following = following;
    void following.failed.then(this.fail);
    await following.caughtUp;
    await sliced(this.view.restoring());
    this.last = { seconds: (performance.now() - startMs) / 1000, records: this.taken };
  }

  private async take(records: readonly LogRecord[]): Promise<void> {
    this.taken += records.length;
    await sliced(this.putting(records));
    if (this.view.isBehind && !this.closing.signal.aborted && !this.reading)
      this.once(() => this.readAgain()).catch((error: Error) => this.failedToRead(error));
  }

  private *putting(records: readonly LogRecord[]): Generator<void> {
    for (const { key, value, timestampMs } of records) {
      this.view.put(key, value && unpack(value), timestampMs);
      yield;
    }
  }

  private failedToRead(cause: Error): void {
    if (!this.closing.signal.aborted) this.fail(cause);
  }
}
