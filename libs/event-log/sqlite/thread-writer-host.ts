import { Worker } from 'node:worker_threads';
import { EventLogError } from '../event-log.js';
import { errorOf } from './failure.js';
import type { WriterCall, WriterHost } from './writer-host.js';
import type { Writer } from './writer.js';
import type { ThreadData, ThreadReply, ThreadRequest } from './writer-thread.js';

/** Tests run the sources, where Node must be told that `./x.js` is `./x.ts`. */
const FROM_SOURCES = import.meta.url.endsWith('.ts');
const ENTRY = new URL(FROM_SOURCES ? './writer-thread.ts' : './writer-thread.js', import.meta.url);
const EXEC_ARGV = FROM_SOURCES ? ['--import', new URL('../../../tools/run-sources.js', import.meta.url).href] : [];
/** What the thread leaves behind is batches that are stored; a young generation of the usual size would keep a hundred megabytes of them. */
const LIMITS = { maxYoungGenerationSizeMb: 4 };

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The writer in a thread of its own. The thread starts with the first call, and keeps the process alive only while a call is pending. */
export class ThreadWriterHost implements WriterHost {
  private readonly data: ThreadData;
  private readonly pending = new Map<number, Pending>();
  private worker: Worker | undefined;
  private calls = 0;
  private closed = false;

  constructor(data: ThreadData) {
    this.data = data;
  }

  async call<C extends WriterCall>(name: C, args: Parameters<Writer[C]>): Promise<ReturnType<Writer[C]>> {
    return (await this.post(name, args)) as ReturnType<Writer[C]>;
  }

  /** Never rejects: a thread that dies has released its connection too. Calls made from now on reject. */
  async close(): Promise<void> {
    const closing = this.worker && this.post('close', []);
    this.closed = true;
    await closing?.catch(() => {});
  }

  private async post(name: ThreadRequest['name'], args: readonly unknown[]): Promise<unknown> {
    if (this.closed) throw new EventLogError('the event log is closed');
    this.worker ??= this.start();
    const request: ThreadRequest = { id: (this.calls += 1), name, args };
    this.worker.postMessage(request, []);
    this.worker.ref();
    return await new Promise((resolve, reject) => this.pending.set(request.id, { resolve, reject }));
  }

  private start(): Worker {
    const worker = new Worker(ENTRY, { workerData: this.data, execArgv: EXEC_ARGV, resourceLimits: LIMITS });
    let cause = new Error("the event log's writer has stopped");
    worker.on('message', (reply: ThreadReply) => this.settle(worker, reply));
    worker.on('error', (error) => {
      cause = new Error(`the event log's writer has stopped: ${String(error)}`, { cause: error });
    });
    worker.on('exit', () => {
      this.worker = undefined;
      for (const { reject } of this.pending.values()) reject(cause);
      this.pending.clear();
    });
    return worker;
  }

  private settle(worker: Worker, { id, value, failure }: ThreadReply): void {
    const waiting = this.pending.get(id);
    this.pending.delete(id);
    if (this.pending.size === 0) worker.unref();
    if (failure) waiting?.reject(errorOf(failure));
    else waiting?.resolve(value);
  }
}
