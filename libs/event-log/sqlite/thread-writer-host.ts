import { Worker } from 'node:worker_threads';
import { errorOf } from './failure.js';
import type { WriterCall, WriterHost } from './writer-host.js';
import type { Writer } from './writer.js';
import type { ThreadData, ThreadReply, ThreadRequest } from './writer-thread.js';

/** Tests run the sources, where Node must be told that `./x.js` is `./x.ts`. */
const FROM_SOURCES = import.meta.url.endsWith('.ts');
const ENTRY = new URL(FROM_SOURCES ? './writer-thread.ts' : './writer-thread.js', import.meta.url);
const EXEC_ARGV = FROM_SOURCES ? ['--import', new URL('../../../tools/run-sources.js', import.meta.url).href] : [];

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

  constructor(data: ThreadData) {
    this.data = data;
  }

  async call<C extends WriterCall>(
    name: C,
    args: Parameters<Writer[C]>,
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<ReturnType<Writer[C]>> {
    return (await this.post(name, args, transfer)) as ReturnType<Writer[C]>;
  }

  async close(): Promise<void> {
    if (this.worker) await this.post('close', [], []);
  }

  private post(name: ThreadRequest['name'], args: readonly unknown[], transfer: readonly ArrayBuffer[]): Promise<unknown> {
    this.worker ??= this.start();
    const request: ThreadRequest = { id: (this.calls += 1), name, args };
    this.worker.postMessage(request, transfer);
    this.worker.ref();
    return new Promise((resolve, reject) => this.pending.set(request.id, { resolve, reject }));
  }

  private start(): Worker {
    const worker = new Worker(ENTRY, { workerData: this.data, execArgv: EXEC_ARGV });
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
