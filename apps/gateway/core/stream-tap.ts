import { frameReaderOf, type FrameReader } from './frame-readers.js';
import { Observation } from './observation.js';
import type { Operation } from './operations.js';
import { SseReader, type BytesSink } from './sse-reader.js';

/** Watches a streamed answer pass, and takes out the usage chunk that the client did not ask for. */
export class StreamTap {
  readonly seen = new Observation();
  private readonly reader: SseReader;
  private readonly readFrame: FrameReader;
  private nowMs = 0;

  /** `pass` gets the client's bytes; `strip` removes the one chunk that holds nothing but usage. */
  constructor(
    operation: Operation,
    private readonly strip: boolean,
    pass: BytesSink,
  ) {
    this.readFrame = frameReaderOf(operation);
    this.reader = new SseReader((data) => this.visit(data), pass, { withhold: strip });
  }

  /** `nowMs` is when the chunk came, by the monotonic clock. */
  push(chunk: Buffer, nowMs: number): void {
    this.nowMs = nowMs;
    this.reader.push(chunk);
  }

  /** The upstream has ended the stream. */
  end(nowMs: number): void {
    this.nowMs = nowMs;
    this.reader.end();
    // What was not read cannot be judged: a stream that became unreadable has the end that HTTP gave it.
    if (this.reader.gaveUp && this.seen.end === 'open') this.seen.end = 'clean';
  }

  private visit(data: string): boolean {
    const { seen } = this;
    const kind = this.readFrame(data, seen);
    if (kind === 'token') seen.noteToken(this.nowMs);
    else if (kind === 'error') seen.end = 'error';
    else if (kind === 'done' && seen.end === 'open') seen.end = 'clean';
    return !(this.strip && kind === 'usage');
  }
}
