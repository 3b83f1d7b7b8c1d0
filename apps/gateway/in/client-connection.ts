import type { Socket } from 'node:net';
import { MAX_HEAD_BYTES, readPlainHead, type PlainHead } from '../core/plain-request.js';
import type { AnswerStream } from './answer-stream.js';
import { PlainAnswerStream, type AnswerOwner } from './plain-answer-stream.js';

/** Serves the requests of plain connections. */
export interface PlainHost<Visit> {
  /** Of a request, in bytes. */
  readonly maxBodyBytes: number;
  /** The head of a request has come. Undefined if it is not one to be served here; nothing may have happened then. Must not throw. */
  welcome(head: PlainHead, socket: Socket): Visit | undefined;
  /** All of the request has come. Must not throw. */
  serve(visit: Visit, body: Buffer, answer: AnswerStream): void;
  /** Its client has left before the end of the body. Must not throw. */
  abandoned(visit: Visit, answer: AnswerStream): void;
  /** Its connection goes over to Node, which will begin with the request anew, at once. Must not throw. */
  passedOn(visit: Visit, socket: Socket): void;
}

/** A connection, for whoever keeps it. */
export interface Sweepable {
  /** To be called in a steady beat: ends what lasts too long. */
  sweep(): void;
  destroy(): void;
}

/** What the connections of one server have in common. */
export interface ConnectionKeeper {
  readonly keepAliveLines: string;
  /** How long an unused connection is kept, in sweeps. */
  readonly keepAliveSweeps: number;
  /** A client that has said that it sends no more still gets its answer. */
  readonly servesHalfClosed: boolean;
  /** The connection is Node's from now on, with these bytes as the first; after them came the end if `hasEnded`. */
  handOver(connection: Sweepable, socket: Socket, bytes: Buffer, hasEnded: boolean): void;
  closed(connection: Sweepable): void;
}

interface Incoming<Visit> {
  readonly visit: Visit;
  readonly bodyAt: number;
  readonly endAt: number;
  readonly isLast: boolean;
}

/** Requests with larger bodies go Node's way: they are not what the saving is for. */
const MAX_BODY_BYTES = 1_048_576;
/** In sweeps. What takes longer, a body or the first word of a new connection, is left to Node and its limits. */
const SLOW_SWEEPS = 5;
const NOTHING = Buffer.alloc(0);

/**
 * A client's connection for as long as everything on it is plain (see `readPlainHead`): whole requests, one after another. With the first thing
 * that is not, or that takes long, the connection goes over to Node's HTTP server, for good.
 */
export class ClientConnection<Visit> implements AnswerOwner, Sweepable {
  readonly keepAliveLines: string;
  private isNew = true;
  /** Sweeps since anything changed. */
  private sweeps = 0;
  /** A request whose body is still coming in. */
  private incoming: Incoming<Visit> | undefined;
  /** The answer that is under way. */
  private answer: PlainAnswerStream | undefined;
  /** What has come of the next request. */
  private kept: Buffer[] = [];
  private keptBytes = 0;
  /** The client sends no more. */
  private hasEnded = false;
  /** The last answer is out. */
  private isOver = false;
  private readonly onData = (bytes: Buffer): void => this.take(bytes);
  private readonly onEnd = (): void => this.end();
  private readonly onDrain = (): void => this.answer?.drained();
  private readonly onClose = (): void => this.close();

  constructor(
    private readonly socket: Socket,
    private readonly keeper: ConnectionKeeper,
    private readonly host: PlainHost<Visit>,
  ) {
    this.keepAliveLines = keeper.keepAliveLines;
    socket.on('data', this.onData).on('end', this.onEnd).on('drain', this.onDrain).on('close', this.onClose).on('error', ignore);
  }

  sweep(): void {
    if (this.answer) return;
    this.sweeps += 1;
    const isExpected = this.isNew || this.incoming !== undefined;
    if (isExpected && this.sweeps > SLOW_SWEEPS) this.handOver();
    else if (!isExpected && this.sweeps > this.keeper.keepAliveSweeps) this.socket.destroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  answered(isLast: boolean): void {
    this.answer = undefined;
    this.sweeps = 0;
    if (this.keptBytes > 0 && !isLast) return this.goOnAfterAnswer();
    this.isOver = isLast || this.hasEnded;
    if (this.isOver) this.socket.destroySoon();
  }

  private take(bytes: Buffer): void {
    if (this.isOver) return;
    if (this.answer) this.keepAhead(bytes);
    else if (this.incoming) this.goOn(this.incoming, bytes);
    else this.begin(bytes);
  }

  private begin(bytes: Buffer): void {
    this.isNew = false;
    this.sweeps = 0;
    this.keep(bytes);
    const head = readPlainHead(bytes);
    const visit = head && head.contentLength <= MAX_BODY_BYTES ? this.host.welcome(head, this.socket) : undefined;
    if (!head || visit === undefined) return this.handOver();
    const { bodyAt, contentLength, isLast } = head;
    this.incoming = { visit, bodyAt, endAt: bodyAt + contentLength, isLast };
    this.serveIfWhole(this.incoming);
  }

  private goOn(incoming: Incoming<Visit>, bytes: Buffer): void {
    this.keep(bytes);
    this.serveIfWhole(incoming);
  }

  private serveIfWhole({ visit, bodyAt, endAt, isLast }: Incoming<Visit>): void {
    if (this.keptBytes < endAt) return;
    // Requests that come in a row may be worked on side by side, which Node knows how to do.
    if (this.keptBytes > endAt) return this.handOver();
    const body = this.taken().subarray(bodyAt);
    this.incoming = undefined;
    this.answer = new PlainAnswerStream(this.socket, this, isLast);
    this.host.serve(visit, body, this.answer);
  }

  /** The client does not wait for its answer: one more request of any size has room. */
  private keepAhead(bytes: Buffer): void {
    this.keep(bytes);
    // Made to wait, it could not be heard hanging up.
    if (this.keptBytes > this.host.maxBodyBytes + MAX_HEAD_BYTES) this.socket.destroy();
  }

  private goOnAfterAnswer(): void {
    if (this.hasEnded) this.handOver();
    else this.begin(this.taken());
  }

  private end(): void {
    this.hasEnded = true;
    if (this.incoming) this.handOver();
    else if (!this.answer || !this.keeper.servesHalfClosed) this.socket.end();
  }

  private close(): void {
    this.keeper.closed(this);
    const { answer, incoming } = this;
    this.answer = undefined;
    this.incoming = undefined;
    if (incoming) this.host.abandoned(incoming.visit, new PlainAnswerStream(this.socket, this, true));
    answer?.closed();
  }

  private handOver(): void {
    const { socket, hasEnded } = this;
    socket.off('data', this.onData).off('end', this.onEnd).off('drain', this.onDrain).off('close', this.onClose).off('error', ignore);
    if (this.incoming) this.host.passedOn(this.incoming.visit, socket);
    this.incoming = undefined;
    this.keeper.handOver(this, socket, this.taken(), hasEnded);
  }

  private keep(bytes: Buffer): void {
    this.kept.push(bytes);
    this.keptBytes += bytes.length;
  }

  /** What was kept, in one piece. */
  private taken(): Buffer {
    const { kept } = this;
    this.kept = [];
    this.keptBytes = 0;
    return kept.length > 1 ? Buffer.concat(kept) : (kept[0] ?? NOTHING);
  }
}

function ignore(): void {}
