import { parentPort, workerData } from 'node:worker_threads';
import { connect } from './database.js';
import { failureOf, type Failure } from './failure.js';
import { carryOut, type WriterCall } from './writer-host.js';
import { Writer } from './writer.js';

/** The entry of the writer's thread: carries out calls one by one and answers each. */
export interface ThreadRequest {
  readonly id: number;
  readonly name: WriterCall | 'close';
  readonly args: readonly unknown[];
}

export interface ThreadReply {
  readonly id: number;
  readonly value?: unknown;
  readonly failure?: Failure;
}

export interface ThreadData {
  readonly path: string;
  readonly busyMs: number;
}

const { path, busyMs } = workerData as ThreadData;
let writer: Writer | undefined;

parentPort?.on('message', (request: ThreadRequest) => {
  parentPort?.postMessage(answer(request), []);
  if (request.name === 'close') parentPort?.close();
});

function answer({ id, name, args }: ThreadRequest): ThreadReply {
  try {
    if (name === 'close') return { id, value: writer?.close() };
    writer ??= new Writer(connect(path, busyMs));
    return { id, value: carryOut(writer, name, args) };
  } catch (error) {
    return { id, failure: failureOf(error) };
  }
}
