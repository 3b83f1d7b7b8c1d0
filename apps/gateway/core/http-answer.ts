import { BadAnswer, readAnswerHead, type AnswerHead } from './answer-head.js';
import { ChunkedBody, type DataSink } from './chunked-body.js';

/** Takes an answer: `head` once, then `data` any number of times. Must not throw. */
export interface AnswerSink extends DataSink {
  head(head: AnswerHead): void;
}

const HEAD_END = '\r\n\r\n';
/** As Node and undici have it. */
const MAX_HEAD_BYTES = 16_384;
const NOTHING = Buffer.alloc(0);

/**
 * Reads the answers of one HTTP/1.1 connection, one after another, wherever their bytes are cut. Interim answers (1xx) are passed over.
 * What breaks the protocol throws BadAnswer; after that the reader is of no use any more.
 */
export class HttpAnswerReader {
  private sink: AnswerSink | undefined;
  private isToHead = false;
  /** What has come of a head that is not whole yet. */
  private head: Buffer = NOTHING;
  private hasHead = false;
  /** Bytes of the body that are still to come; Infinity where it ends with the connection. */
  private remaining = 0;
  private chunks: ChunkedBody | undefined;
  private keepAlive = Infinity;

  /** A request has been sent, and its answer is what comes now; it has no body, whatever it says, where the request was a HEAD. */
  expect(sink: AnswerSink, isToHead: boolean): void {
    this.sink = sink;
    this.isToHead = isToHead;
    this.hasHead = false;
    this.chunks = undefined;
    this.remaining = 0;
  }

  /** How long the connection may be used again after this answer, in ms; 0 for not at all. */
  get keepAliveMs(): number {
    return this.keepAlive;
  }

  /** True while an answer is awaited, or the rest of one. */
  get isOpen(): boolean {
    return this.sink !== undefined;
  }

  /** True if the answer is whole when the connection ends now. */
  get endsWithConnection(): boolean {
    return this.hasHead && this.remaining === Infinity;
  }

  /** Tells what is in `bytes`, which are the sink's from now on. A connection on which more comes than the answer is not to be used again. */
  push(bytes: Buffer): void {
    let at = 0;
    while (!this.hasHead) {
      at = this.takeHead(bytes, at);
      if (at === -1) return;
    }
    if (this.sink) at = this.takeBody(bytes, at, this.sink);
    if (at < bytes.length) this.keepAlive = 0;
  }

  /** Answers where the head ended in `bytes`, or -1 where there must come more of it. */
  private takeHead(bytes: Buffer, start: number): number {
    const waiting = this.head.length;
    const fresh = start === 0 ? bytes : bytes.subarray(start);
    const head = waiting === 0 ? fresh : Buffer.concat([this.head, fresh]);
    const end = head.indexOf(HEAD_END, Math.max(waiting - HEAD_END.length + 1, 0), 'latin1');
    if ((end === -1 ? head.length : end) > MAX_HEAD_BYTES) throw new BadAnswer('its head is too large');
    this.head = end === -1 ? head : NOTHING;
    if (end === -1) return -1;
    this.readHead(head.toString('latin1', 0, end));
    return start + end + HEAD_END.length - waiting;
  }

  private readHead(text: string): void {
    const head = readAnswerHead(text);
    if (head.status === 101) throw new BadAnswer('it changes the protocol, which nobody asked for');
    if (head.status < 200) return;
    this.hasHead = true;
    this.keepAlive = head.keepAliveMs;
    const hasNoBody = this.isToHead || head.status === 204 || head.status === 304;
    if (hasNoBody) this.remaining = 0;
    else if (head.isChunked) this.chunks = new ChunkedBody();
    else this.remaining = head.contentLength ?? Infinity;
    if (this.remaining === Infinity) this.keepAlive = 0;
    this.sink?.head(head);
  }

  private takeBody(bytes: Buffer, start: number, sink: AnswerSink): number {
    let at = start;
    if (this.chunks) {
      at = this.chunks.push(bytes, at, sink);
      if (this.chunks.isDone) this.sink = undefined;
      return at;
    }
    const end = Math.min(at + this.remaining, bytes.length);
    this.remaining -= end - at;
    if (this.remaining === 0) this.sink = undefined;
    if (end > at) sink.data(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    return end;
  }
}
