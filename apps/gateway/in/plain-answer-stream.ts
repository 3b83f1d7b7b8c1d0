import type { Socket } from 'node:net';
import { MAX_JOINED_BYTES, type AnswerFate, type AnswerStream, type ClientHead } from './answer-stream.js';

const NO_CONTENT = 204;
const NOT_MODIFIED = 304;
const NOTHING = Buffer.alloc(0);
const LENGTH = 'content-length';
const CHUNKED = 'Transfer-Encoding: chunked\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';

/** Whoever has the connection. */
export interface AnswerOwner {
  /** Header lines that say how long the connection is kept. */
  readonly keepAliveLines: string;
  /** The answer is complete, and the connection free for the next one; not if it is to end. */
  answered(isLast: boolean): void;
}

/**
 * An answer to a POST by HTTP/1.1, written as Node's server would write it, for less: what is short goes to the system in one piece with all that
 * belongs around it.
 */
export class PlainAnswerStream implements AnswerStream {
  readonly isHeadOnly = false;
  isEnded = false;
  headSent = false;
  private fate: AnswerFate | undefined;
  /** Text that goes with the next bytes. */
  private waiting = '';
  private isChunked = false;
  private hasBody = true;

  constructor(
    private readonly socket: Socket,
    private readonly owner: AnswerOwner,
    private isLast: boolean,
  ) {}

  get isDestroyed(): boolean {
    return this.socket.destroyed;
  }

  get needsDrain(): boolean {
    return this.socket.writableNeedDrain;
  }

  get backlog(): number {
    return this.socket.writableLength;
  }

  attach(fate: AnswerFate): void {
    this.fate = fate;
  }

  head({ status, statusText, headers, isDated }: ClientHead): void {
    let text = `HTTP/1.1 ${status} ${statusText}\r\n`;
    let hasLength = false;
    let connectionLines = this.isLast ? 'Connection: close\r\n' : this.owner.keepAliveLines;
    for (let at = 0; at + 1 < headers.length; at += 2) {
      const name = headers[at]!;
      text += `${name}: ${headers[at + 1]}\r\n`;
      if (name.length === LENGTH.length && name.toLowerCase() === LENGTH) hasLength = true;
      if (name !== 'connection') continue;
      this.isLast = true; // The gateway's own word: of an upstream's none goes on.
      connectionLines = '';
    }
    this.headSent = true;
    this.hasBody = status !== NO_CONTENT && status !== NOT_MODIFIED;
    this.isChunked = this.hasBody && !hasLength;
    if (isDated) text += `Date: ${new Date().toUTCString()}\r\n`;
    this.waiting = text + connectionLines + (this.isChunked ? CHUNKED : '\r\n');
  }

  flushHead(): void {
    this.sendText('');
  }

  write(bytes: Buffer): boolean {
    if (this.hasBody && !this.isEnded && bytes.length > 0) this.send(bytes, '');
    return !this.socket.writableNeedDrain;
  }

  end(bytes: Buffer = NOTHING): void {
    if (this.isEnded) return;
    this.isEnded = true;
    if (!this.socket.writable) return; // It is being closed, and `closed` will tell.
    const closing = this.isChunked ? LAST_CHUNK : '';
    if (this.hasBody && bytes.length > 0) this.send(bytes, closing);
    else this.sendText(closing);
    if (this.socket.writableLength === 0) process.nextTick(() => this.finish());
    else this.socket.write(NOTHING, () => this.finish());
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** For the connection: the client takes more again. */
  drained(): void {
    this.fate?.drained();
  }

  /** For the connection: it is closed. */
  closed(): void {
    this.fate?.closed();
  }

  private finish(): void {
    if (this.socket.destroyed) return;
    this.fate?.finished();
    this.owner.answered(this.isLast);
  }

  private send(bytes: Buffer, closing: string): void {
    const { socket, isChunked } = this;
    if (!socket.writable) return;
    const before = this.taken(isChunked ? `${bytes.length.toString(16)}\r\n` : '');
    const after = isChunked ? `\r\n${closing}` : closing;
    if (bytes.length <= MAX_JOINED_BYTES) {
      // Text, each of whose units is a byte, can be put together for less than bytes can.
      socket.write(before + bytes.toString('latin1') + after, 'latin1');
      return;
    }
    socket.cork();
    if (before !== '') socket.write(before, 'latin1');
    socket.write(bytes);
    if (after !== '') socket.write(after, 'latin1');
    socket.uncork();
  }

  private sendText(text: string): void {
    const all = this.taken(text);
    if (all !== '' && this.socket.writable) this.socket.write(all, 'latin1');
  }

  /** What has waited, and `more`. */
  private taken(more: string): string {
    const text = this.waiting + more;
    this.waiting = '';
    return text;
  }
}
