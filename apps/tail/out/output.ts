import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** Where a stream of text goes. */
export class Output {
  constructor(private readonly stream: Writable) {}

  /** Resolves when more may be written, or `stop` is aborted: a reader that takes its time is waited for, not buffered for. Never rejects. */
  async write(text: string, stop: AbortSignal): Promise<void> {
    if (this.stream.write(text) || stop.aborted) return;
    await once(this.stream, 'drain', { signal: stop }).catch(() => {});
  }
}
