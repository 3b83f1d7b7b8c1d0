import type { ServerResponse } from 'node:http';
import { withCorsHeaders } from './cors.js';

/** The head of an answer to a client. */
export interface ClientHead {
  readonly status: number;
  readonly statusText: string;
  /** Names and values in turn; `connection`, in lower case, only as the gateway's own word. */
  readonly headers: string[];
  /** The gateway's own date goes along. */
  readonly isDated: boolean;
}

/** What becomes of an answer. */
export interface AnswerFate {
  /** The client takes more again. */
  drained(): void;
  /** The answer's last byte has been handed to the system. */
  finished(): void;
  /** The connection is closed; may come after `finished`, too. */
  closed(): void;
}

/** One answer on a client's connection. */
export interface AnswerStream {
  readonly headSent: boolean;
  /** Nothing more may be written. */
  readonly isEnded: boolean;
  readonly isDestroyed: boolean;
  /** An answer without a body, whatever its head says. */
  readonly isHeadOnly: boolean;
  /** More was written than should wait for the client. */
  readonly needsDrain: boolean;
  /** Bytes that the system has not taken yet. */
  readonly backlog: number;
  /** `fate` is told what becomes of this answer; to be called once, at first. */
  attach(fate: AnswerFate): void;
  /** The head may wait for the first bytes of the body, to go with them. */
  head(head: ClientHead): void;
  /** The head has waited long enough. */
  flushHead(): void;
  /** False if the answer then needs a drain. */
  write(bytes: Buffer): boolean;
  /** The last bytes, if there are any. */
  end(bytes?: Buffer): void;
  /** Cuts the connection. */
  destroy(): void;
}

/** Longer bodies are not worth the copy. */
export const MAX_JOINED_BYTES = 8_192;

/** An answer by Node's HTTP server. */
export class NodeAnswerStream implements AnswerStream {
  constructor(private readonly raw: ServerResponse) {}

  get headSent(): boolean {
    return this.raw.headersSent;
  }

  get isEnded(): boolean {
    return this.raw.writableEnded;
  }

  get isDestroyed(): boolean {
    return this.raw.destroyed;
  }

  get isHeadOnly(): boolean {
    return this.raw.req.method === 'HEAD';
  }

  get needsDrain(): boolean {
    return this.raw.writableNeedDrain;
  }

  get backlog(): number {
    return this.raw.writableLength;
  }

  attach(fate: AnswerFate): void {
    this.raw.on('finish', () => fate.finished());
    this.raw.on('close', () => fate.closed());
    this.raw.on('drain', () => fate.drained());
    // 'close' follows; without a listener the process would end.
    this.raw.on('error', () => {});
  }

  head({ status, statusText, headers, isDated }: ClientHead): void {
    this.raw.sendDate = isDated;
    this.raw.writeHead(status, statusText, withCorsHeaders(this.raw, headers));
  }

  flushHead(): void {
    this.raw.flushHeaders();
  }

  write(bytes: Buffer): boolean {
    return this.raw.write(bytes);
  }

  /** As text, each of whose units is a byte, what is short joins the head in one write; as bytes the two would be gathered. */
  end(bytes?: Buffer): void {
    if (bytes && bytes.length <= MAX_JOINED_BYTES) this.raw.end(bytes.toString('latin1'), 'latin1');
    else this.raw.end(bytes);
  }

  destroy(): void {
    this.raw.destroy();
  }
}
