import type { DatabaseSync } from 'node:sqlite';
import { errorOf, failureOf } from './failure.js';
import { Writer } from './writer.js';

export type WriterCall = Exclude<keyof Writer, 'close'>;
type Arguments<C extends WriterCall> = Parameters<Writer[C]>;
type Result<C extends WriterCall> = ReturnType<Writer[C]>;

/** Where the Writer runs. Calls are carried out one by one, in the order in which they were made; they reject with errors that callers of the log understand. */
export interface WriterHost {
  call<C extends WriterCall>(name: C, args: Arguments<C>): Promise<Result<C>>;
  /** Waits for the calls made so far, then releases the writer's connection. Never rejects. */
  close(): Promise<void>;
}

/** A call by name: the compiler cannot see that `args` fit a union of methods, but `WriterHost.call` has checked it. */
export function carryOut(writer: Writer, name: WriterCall, args: readonly unknown[]): unknown {
  return Reflect.apply(writer[name], writer, [...args]);
}

/** The writer on the caller's thread and connection: for a database in memory, which never waits for anything. */
export class InlineWriterHost implements WriterHost {
  private readonly writer: Writer;

  constructor(db: DatabaseSync) {
    this.writer = new Writer(db);
  }

  async call<C extends WriterCall>(name: C, args: Arguments<C>): Promise<Result<C>> {
    try {
      return carryOut(this.writer, name, args) as Result<C>;
    } catch (error) {
      throw errorOf(failureOf(error));
    }
  }

  async close(): Promise<void> {}
}
