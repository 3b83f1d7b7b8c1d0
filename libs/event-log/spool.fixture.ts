import type { DatabaseSync } from 'node:sqlite';
import { partitionIn, type SpoolFiles, type SpoolStore } from './spool-folder.js';
import { openMemory } from './sqlite/database.js';
import { InlineWriterHost, type WriterCall, type WriterHost } from './sqlite/writer-host.js';
import { extentOf } from './sqlite/writer.js';

/** What the next append to the disk does. A slow one takes 30 ms, and what is asked of the disk meanwhile waits for it. */
export type DiskAnswer = 'ok' | 'fails' | 'stores, then fails' | 'slow';

const SLOW_MS = 30;

/** A disk of its own for a spool, that lives on when the spool is dropped, as a folder does when its process dies. */
export class SpoolMemory implements SpoolFiles {
  readonly answers: DiskAnswer[] = [];
  private readonly db: DatabaseSync = openMemory();
  private readonly partitionId = partitionIn(this.db);
  private readonly writer = new InlineWriterHost(this.db);

  open(): SpoolStore {
    return this.ofProcess().open();
  }

  /** The same disk for one process, that can be killed: nothing of it acts any more. */
  ofProcess(): SpoolFiles & { kill(): void } {
    let isDead = false;
    const dies = async (): Promise<void> => {
      if (isDead) await new Promise(() => {});
    };
    const open = (): SpoolStore => {
      if (isDead) throw new Error('this process is dead');
      return { host: this.host(dies), partitionId: this.partitionId, extent: extentOf(this.db, this.partitionId) };
    };
    const kill = (): void => {
      isDead = true;
    };
    return { open, kill, setAside: () => this.setAside(), release: () => this.release() };
  }

  /** As if the disk were full. */
  fill(isFull: boolean): void {
    const { page_count: pages } = this.db.prepare('PRAGMA page_count').get() as { page_count: number };
    this.db.exec(`PRAGMA max_page_count = ${isFull ? pages + 2 : 1_000_000}`);
  }

  setAside(): string {
    this.db.exec('DELETE FROM frames; UPDATE partitions SET bytes = 0');
    return ':memory:';
  }

  release(): void {}

  private host(dies: () => Promise<void>): WriterHost {
    let busy: Promise<unknown> = Promise.resolve();
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
      const done = busy.then(work);
      busy = done.catch(() => {});
      return done;
    };
    return {
      call: (name, args) =>
        inTurn(async () => {
          await dies();
          const answer = name === 'append' ? this.answers.shift() : 'ok';
          if (answer === 'fails') throw new Error('the disk answers with errors');
          const result = await this.writer.call<WriterCall>(name, args);
          if (answer === 'slow') await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
          await dies();
          if (answer === 'stores, then fails') throw new Error('the disk answers with errors');
          return result as never;
        }),
      close: async () => {},
    };
  }
}
