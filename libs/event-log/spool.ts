import { EventLogError, type OutgoingRecord } from './event-log.js';
import { batchOf, framesOf, type SpoolBatch, type SpoolPlace } from './spool-batch.js';
import { isDamaged, SpoolFolder, SpoolTakenError, type SpoolFiles, type SpoolStore } from './spool-folder.js';

export interface SpoolOptions {
  /** Bytes of records that are held at most. */
  readonly maxBytes: number;
  /** A spool that cannot be opened, or written, is tried again after this time, in ms. */
  readonly retryMs?: number;
  /** Told, in one line, when the spool cannot be used, once until it can be used again. */
  readonly onProblem?: (text: string) => void;
  /** Told when the spool works again. */
  readonly onMended?: (text: string) => void;
}

/** Sent records are deleted in strokes of this many, or when all are sent: after a crash no more than these are sent twice. */
const TRUNCATE_EVERY = 10_000;
const RETRY_MS = 5_000;

/**
 * Records that wait on disk, in the order in which they came. It bends but does not break: no method throws or rejects, whatever the disk does.
 * What it cannot take stays with its caller. One process at a time uses a folder.
 */
export class Spool {
  private store: SpoolStore | undefined;
  private opening = 0;
  private head = 0;
  private end = 0;
  private bytesHeld = 0;
  private truncatedTo = 0;
  private truncating: Promise<void> | undefined;
  private releasing: Promise<void> | undefined;
  private retryAtMs = -Infinity;
  private needsExtent = false;
  private healthy = true;
  private closed = false;
  private lostEvents = 0;

  private constructor(
    private readonly files: SpoolFiles,
    private readonly options: SpoolOptions,
  ) {}

  /** Opens, or creates, the spool in `folder`. Throws EventLogOpenError if another process uses it; any other trouble is told to `onProblem`. Blocks. */
  static inFolder(folder: string, options: SpoolOptions): Spool {
    return Spool.on(new SpoolFolder(folder), options);
  }

  /** Like `inFolder`. */
  static on(files: SpoolFiles, options: SpoolOptions): Spool {
    const spool = new Spool(files, options);
    const problem = spool.open();
    if (problem instanceof SpoolTakenError) throw problem;
    return spool;
  }

  /** Records that wait to be sent; none while the spool cannot be read. */
  get events(): number {
    return this.store ? this.end - this.head : 0;
  }

  /** Bytes of records on disk, those included that were sent and are not deleted yet. */
  get bytes(): number {
    return this.store ? this.bytesHeld : 0;
  }

  /** Takes the number of records that were lost with a damaged spool since the last call. */
  takeLost(): number {
    const lost = this.lostEvents;
    this.lostEvents = 0;
    return lost;
  }

  /** Stores the records durably, all or none. Answers the place of the first one; undefined if there is no room, or the spool cannot be used now. */
  async append(records: readonly OutgoingRecord[]): Promise<SpoolPlace | undefined> {
    if (this.closed || performance.now() < this.retryAtMs || !this.revive()) return undefined;
    const store = this.store!;
    const frames = framesOf(records, store.partitionId);
    const size = frames.reduce((sum, { data }) => sum + data.byteLength, 0);
    if (this.bytesHeld + size > this.options.maxBytes) return undefined;
    try {
      await this.readExtent(store);
      await store.host.call('append', [frames, Date.now()]);
      return this.took(records.length, size);
    } catch (error) {
      this.fail(store, error, this.events === 0);
      this.needsExtent = true; // It may have been stored all the same.
      return undefined;
    }
  }

  /** The oldest records, at most about `maxRecords`; undefined if there are none, or if they cannot be read now. */
  async peek(maxRecords: number): Promise<SpoolBatch | undefined> {
    const { store, head, opening } = this;
    if (!store || this.events === 0) return undefined;
    try {
      await this.readExtent(store);
      const frames = await store.host.call('readFrames', [store.partitionId, head, maxRecords]);
      const batch = batchOf(frames, { at: head, opening });
      if (batch.next.at > head) {
        this.end = Math.max(this.end, batch.next.at); // More than is known of: an append that failed, and was stored all the same.
        return batch;
      }
      throw new EventLogError(`the event log's database is damaged: ${this.events} records are missing`);
    } catch (error) {
      this.fail(store, error, true);
      return undefined;
    }
  }

  /** Forgets the records below `place`, which were sent. They are deleted from the disk later. */
  remove({ at, opening }: SpoolPlace): void {
    if (opening !== this.opening || at <= this.head || at > this.end) return;
    this.head = at;
    if (this.head - this.truncatedTo < TRUNCATE_EVERY && this.events > 0) return;
    this.truncating ??= this.truncate().finally(() => {
      this.truncating = undefined;
    });
  }

  /** Tries to open a spool that could not be opened, once in a while. True if it is open. */
  revive(): boolean {
    if (!this.store && !this.closed && !this.releasing && performance.now() >= this.retryAtMs) this.open();
    return this.store !== undefined;
  }

  /** Finishes what is under way, and lets another process have the folder. */
  async close(): Promise<void> {
    this.closed = true;
    await this.truncating;
    const { store } = this;
    if (store && this.head > this.truncatedTo) await this.deleteSent(store).catch(() => {});
    await store?.host.close();
    await this.releasing;
    this.store = undefined;
    this.files.release();
  }

  /** Answers what is in the way, if anything is. */
  private open(): unknown {
    try {
      this.adopt(this.openOrSetAside());
      return undefined;
    } catch (error) {
      this.retryLater(error);
      return error;
    }
  }

  private openOrSetAside(): SpoolStore {
    try {
      return this.files.open();
    } catch (error) {
      if (!isDamaged(error)) throw error;
      this.options.onProblem?.(`the spool is damaged; what it held is lost, and lies in ${this.files.setAside()}`);
      return this.files.open();
    }
  }

  private adopt(store: SpoolStore): void {
    const { oldest, end, bytes } = store.extent;
    this.opening += 1;
    Object.assign(this, { store, head: oldest, truncatedTo: oldest, end, bytesHeld: bytes, needsExtent: false });
  }

  private async readExtent(store: SpoolStore): Promise<void> {
    if (!this.needsExtent) return;
    const { end, bytes } = await store.host.call('extent', [store.partitionId]);
    this.end = end;
    this.bytesHeld = bytes;
    this.needsExtent = false;
  }

  private took(records: number, size: number): SpoolPlace {
    const first = { at: this.end, opening: this.opening };
    this.end += records;
    this.bytesHeld += size;
    if (!this.healthy) this.options.onMended?.('the spool works again');
    this.healthy = true;
    return first;
  }

  /** `isUseless`: nothing is lost by opening it anew, which mends a folder that was moved, or a disk that was away. */
  private fail(store: SpoolStore, error: unknown, isUseless: boolean): void {
    if (this.store !== store || this.closed) return;
    if (error instanceof EventLogError) {
      this.giveUp(store, error);
      return;
    }
    this.retryLater(error);
    if (isUseless) this.letGo(store);
  }

  /** The database is damaged: nothing in it can be sent any more. */
  private giveUp(store: SpoolStore, error: EventLogError): void {
    const held = this.events;
    this.letGo(store, () => {
      const place = this.files.setAside();
      this.lostEvents += held;
      this.options.onProblem?.(`the spool is damaged; its ${held} events are lost, and lie in ${place} (${error.message})`);
    });
  }

  /** A connection that is closed late would take the files of the next one with it. */
  private letGo(store: SpoolStore, then = (): void => {}): void {
    this.store = undefined;
    this.releasing = store.host
      .close()
      .then(then)
      .catch((error: unknown) => this.retryLater(error))
      .finally(() => {
        this.releasing = undefined;
      });
  }

  private retryLater(error: unknown): void {
    this.retryAtMs = performance.now() + (this.options.retryMs ?? RETRY_MS);
    if (this.healthy) {
      this.options.onProblem?.(
        `the spool cannot be used, so events wait in memory: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    this.healthy = false;
  }

  private async truncate(): Promise<void> {
    try {
      while (this.store && this.head > this.truncatedTo) await this.deleteSent(this.store);
      while (this.store && !this.closed && this.events === 0 && (await this.store.host.call('maintain', [Date.now()])));
    } catch {
      // Deleted with the next ones; or they are sent again after a restart, and dropped as repeats.
    }
  }

  private async deleteSent(store: SpoolStore): Promise<void> {
    const below = this.head;
    const freed = await store.host.call('truncate', [store.partitionId, below]);
    this.bytesHeld -= freed; // Not in one with the line above: `-=` reads before it waits, and an append may end meanwhile.
    this.truncatedTo = below;
  }
}
