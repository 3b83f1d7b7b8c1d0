import { asError } from '../as-error.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventLogError, MAX_RECORD_BYTES, type OutgoingRecord } from '../event-log.js';
import type { Cluster, TopicLayout } from './cluster.js';
import { PRODUCE } from './data-apis.js';
import { CODE, errorOfCode, isTransient } from './errors.js';
import { encodeBatch, sizeOf } from './record-batch.js';

const MAX_BATCH_RECORDS = 1_000;
const MAX_BATCH_BYTES = 900_000;
/** How long the brokers may take to store a batch, and how long their answer may take. */
const STORE_TIMEOUT_MS = 4_500;
const ANSWER_TIMEOUT_MS = 5_000;
/** Waits before a batch is sent again: a new leader is usually there by then. Whoever appends may go on trying. */
const RETRY_AFTER_MS = [100, 200, 400, 800];

interface Append {
  left: number;
  failed: boolean;
  readonly resolve: () => void;
  readonly reject: (cause: Error) => void;
}

interface Queued {
  readonly record: OutgoingRecord;
  readonly append: Append;
}

type Batch = readonly Queued[];

/** Appends to one topic: one request per leader in flight, its retries included, so that order holds; what arrives meanwhile goes with the next. */
export class TopicAppender {
  private readonly queues = new Map<number, Queued[]>();
  private readonly unsettled = new Set<Promise<void>>();
  private sending: Promise<void> | undefined;
  private looking: Promise<void> | undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly topic: string,
  ) {}

  async append(records: readonly OutgoingRecord[]): Promise<void> {
    const appending = this.enqueue(records);
    this.unsettled.add(appending);
    try {
      await appending;
    } finally {
      this.unsettled.delete(appending);
    }
  }

  private async enqueue(records: readonly OutgoingRecord[]): Promise<void> {
    records.forEach(refuseTooLarge);
    const admitted = this.admit(records);
    if (admitted) await admitted;
    if (records.length === 0) return;
    await new Promise<void>((resolve, reject) => {
      const append = { left: records.length, failed: false, resolve, reject };
      for (const record of records) this.queueOf(record.partition).push({ record, append });
      this.sending ??= this.sendAll();
    });
  }

  /** Resolves when every append so far is settled. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.unsettled);
  }

  /** Resolves at once where the topic is known and fits; those that come while an earlier one is looked up stay behind it. */
  private admit(records: readonly OutgoingRecord[]): Promise<void> | undefined {
    const known = this.cluster.known(this.topic);
    if (!this.looking && known && records.every(({ partition }) => fits(known, partition))) return undefined;
    const before = this.looking;
    const looking = (async () => {
      await before?.catch(() => {});
      await this.look(records);
    })();
    this.looking = looking;
    const looked = (): void => {
      if (this.looking === looking) this.looking = undefined;
    };
    looking.then(looked, looked);
    return looking;
  }

  private async look(records: readonly OutgoingRecord[]): Promise<void> {
    const known = await this.cluster.topic(this.topic);
    if (records.every(({ partition }) => fits(known, partition))) return;
    const layout = await this.cluster.topic(this.topic, 0);
    const unfit = records.find(({ partition }) => !fits(layout, partition));
    if (unfit) throw new EventLogError(`topic ${this.topic} has no partition ${unfit.partition}`);
  }

  private queueOf(partition: number): Queued[] {
    const queue = this.queues.get(partition) ?? [];
    this.queues.set(partition, queue);
    return queue;
  }

  /** Never rejects. It is over in the very moment at which it finds nothing more, so that what comes next begins it anew. */
  private async sendAll(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    for (let batches = this.take(); batches.size > 0; batches = this.take()) {
      await this.send(batches).catch((error: unknown) => {
        for (const batch of batches.values()) settle(batch, asError(error));
      });
    }
    this.sending = undefined;
  }

  /** The next batch of each partition. */
  private take(): Map<number, Batch> {
    const batches = new Map<number, Batch>();
    for (const [partition, queue] of this.queues) {
      const batch = takeBatch(queue);
      if (batch.length > 0) batches.set(partition, batch);
    }
    return batches;
  }

  private async send(batches: Map<number, Batch>): Promise<void> {
    const packed = new Map([...batches].map(([partition, batch]) => [partition, encodeBatch(batch.map(({ record }) => record))]));
    let cause: Error | undefined;
    for (const retryAfterMs of [...RETRY_AFTER_MS, undefined]) {
      const startMs = performance.now();
      const failures = await this.attempt(packed, cause !== undefined);
      for (const [partition, batch] of batches) {
        const failure = failures.get(partition);
        if (packed.has(partition) && (failure === undefined || failure instanceof EventLogError)) {
          packed.delete(partition);
          settle(batch, failure);
        }
      }
      cause = [...failures.values()].findLast(isTransient);
      if (packed.size === 0) return;
      // A broker that let the whole time pass will not be quicker now.
      if (retryAfterMs === undefined || performance.now() - startMs > ANSWER_TIMEOUT_MS / 2) break;
      await sleep(retryAfterMs);
    }
    for (const partition of packed.keys()) settle(batches.get(partition)!, cause);
  }

  /** Sends each batch to its leader. Never rejects: answers the failures, by partition. */
  private async attempt(packed: ReadonlyMap<number, Buffer>, isRetry: boolean): Promise<Map<number, Error>> {
    const failures = new Map<number, Error>();
    try {
      const { leaders } = await this.cluster.topic(this.topic, isRetry ? 0 : undefined);
      const byLeader = Map.groupBy(packed.keys(), (partition) => leaders[partition] ?? -1);
      await Promise.all([...byLeader].map(([leader, partitions]) => this.produce(leader, partitions, packed, failures)));
    } catch (error) {
      for (const partition of packed.keys()) failures.set(partition, asError(error));
    }
    return failures;
  }

  private async produce(
    leader: number,
    partitions: readonly number[],
    packed: ReadonlyMap<number, Buffer>,
    failures: Map<number, Error>,
  ): Promise<void> {
    try {
      const batches = partitions.map((partition) => ({ partition, batch: packed.get(partition)! }));
      const request = { topic: this.topic, timeoutMs: STORE_TIMEOUT_MS, batches };
      const answers = await this.cluster.requestNode(leader, 'produce', PRODUCE, request, ANSWER_TIMEOUT_MS);
      for (const { partition, code } of answers) {
        if (code !== CODE.none) failures.set(partition, errorOfCode(code, `appending to ${this.topic}`));
      }
    } catch (error) {
      for (const partition of partitions) failures.set(partition, asError(error));
    }
  }
}

function fits({ leaders }: TopicLayout, partition: number): boolean {
  return Number.isInteger(partition) && partition >= 0 && partition < leaders.length;
}

function refuseTooLarge({ key, value }: OutgoingRecord): void {
  const bytes = Buffer.byteLength(key) + (value?.byteLength ?? 0);
  if (bytes > MAX_RECORD_BYTES) throw new EventLogError(`a record of ${bytes} bytes is too large, the limit is ${MAX_RECORD_BYTES}`);
}

/** At least one record, if there is any; what belongs to an append that failed already is left out. */
function takeBatch(queue: Queued[]): Batch {
  let bytes = 0;
  let taken = 0;
  for (const { record } of queue) {
    bytes += sizeOf(record);
    if (taken === MAX_BATCH_RECORDS || (taken > 0 && bytes > MAX_BATCH_BYTES)) break;
    taken += 1;
  }
  const batch = queue.splice(0, taken);
  const live = batch.filter(({ append }) => !append.failed);
  return live.length > 0 || queue.length === 0 ? live : takeBatch(queue);
}

function settle(batch: Batch, failure: Error | undefined): void {
  for (const { append } of batch) {
    append.left -= 1;
    if (append.failed) continue;
    if (failure) {
      append.failed = true;
      append.reject(failure);
    } else if (append.left === 0) append.resolve();
  }
}
