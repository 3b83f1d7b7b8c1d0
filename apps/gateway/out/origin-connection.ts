import { connect as connectPlain, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { HttpAnswerReader } from '../core/http-answer.js';
import { Deadline } from './deadline.js';
import type { Carrier, OriginCall } from './origin-call.js';

/** Where an origin listens. */
export interface OriginAddress {
  readonly isTls: boolean;
  readonly hostname: string;
  readonly port: number;
  /** The last one, so that the next connection takes fewer round trips. */
  tlsSession?: Buffer;
}

/** A request as it goes over the wire. */
export interface WireRequest {
  readonly head: string;
  readonly body: Buffer | undefined;
  /** Its answer has no body. */
  readonly isHead: boolean;
}

/** Whoever keeps the connections. */
export interface ConnectionOwner {
  /** It can be used again for so many ms. */
  idle(connection: OriginConnection, keepAliveMs: number): void;
  /** It is gone. */
  closed(connection: OriginConnection): void;
}

const KEEP_ALIVE_PROBE_MS = 60_000;
/** Up to here head and body go to the system in one piece: the copy costs less than a second piece. */
const ONE_PIECE_BYTES = 4_096;
/** What was read is copied out of here before anything else is read, by whichever connection. A buffer for each reading would be mostly empty. */
const ARRIVALS = Buffer.allocUnsafeSlow(65_536);

/** One keep-alive connection to an origin, with one request at a time. It begins to be made with its first request. */
export class OriginConnection implements Carrier {
  private readonly socket: Socket;
  private readonly answer = new HttpAnswerReader();
  private readonly deadline = new Deadline(() => this.call?.silent());
  private call: OriginCall | undefined;
  private isPaused = false;
  private isClosed = false;

  constructor(
    address: OriginAddress,
    connectMs: number,
    private readonly owner: ConnectionOwner,
    call: OriginCall,
    request: WireRequest,
  ) {
    this.call = call;
    call.carriedBy(this);
    this.deadline.set(connectMs);
    this.socket = open(
      address,
      () => this.send(call, request),
      (bytes) => this.read(bytes),
    );
    this.socket.on('error', (error) => this.fail(error));
    this.socket.on('end', () => this.ended());
    this.socket.on('close', () => this.fail(new Error('the connection has ended')));
  }

  /** For a connection that is idle. */
  send(call: OriginCall, { head, body, isHead }: WireRequest): void {
    this.call = call;
    call.carriedBy(this);
    this.answer.expect(call, isHead);
    call.sent();
    if (this.isClosed) return;
    if (body && head.length + body.length <= ONE_PIECE_BYTES) {
      this.socket.write(inOnePiece(head, body));
      return;
    }
    this.socket.cork();
    this.socket.write(head, 'latin1');
    if (body) this.socket.write(body);
    this.socket.uncork();
  }

  pause(): void {
    this.isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.socket.resume();
  }

  limit(ms: number | undefined): void {
    if (ms === undefined) this.deadline.clear();
    else this.deadline.set(ms);
  }

  destroy(): void {
    this.call = undefined;
    this.close();
  }

  /** Ends the connection; a call that is on it hears why. */
  fail(error: Error): void {
    const { call } = this;
    this.destroy();
    call?.broke(error);
  }

  /** Answers whether to go on reading. */
  private read(bytes: Buffer): boolean {
    // Nobody has asked for anything.
    if (!this.call) this.destroy();
    else this.take(bytes);
    return !this.isClosed;
  }

  private take(bytes: Buffer): void {
    try {
      this.answer.push(bytes);
    } catch (error) {
      return this.fail(error as Error);
    }
    if (!this.answer.isOpen) this.finish();
  }

  /** The answer is whole. */
  private finish(): void {
    const { call, answer, socket } = this;
    this.call = undefined;
    this.deadline.clear();
    this.resume();
    // An origin that has answered before all of the request was written is not waiting for the next one.
    const isReusable = answer.keepAliveMs > 0 && socket.writableLength === 0 && !this.isClosed;
    if (isReusable) this.owner.idle(this, answer.keepAliveMs);
    else this.close();
    call?.end();
  }

  /** The origin sends nothing more. */
  private ended(): void {
    if (this.answer.endsWithConnection) this.finish();
    else this.fail(new Error('the origin has closed the connection'));
  }

  private close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.deadline.stop();
    this.socket.destroy();
    this.owner.closed(this);
  }
}

/** `read` answers whether to go on; the bytes are its own. */
function open(address: OriginAddress, onReady: () => void, read: (bytes: Buffer) => boolean): Socket {
  const { isTls, hostname: host, port } = address;
  const callback: OnReadOpts['callback'] = (length) => read(arrived(length));
  const socket = isTls
    ? openTls(address, onReady).on('data', read)
    : connectPlain({ host, port, onread: { buffer: ARRIVALS, callback } }, onReady);
  return socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_PROBE_MS);
}

function openTls(address: OriginAddress, onReady: () => void): Socket {
  const { hostname: host, port, tlsSession: session } = address;
  const servername = isIP(host) ? '' : host;
  const socket = connectTls({ host, port, servername, ALPNProtocols: ['http/1.1'], ...(session && { session }) }, onReady);
  return socket.on('session', (fresh: Buffer) => (address.tlsSession = fresh));
}

function arrived(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  ARRIVALS.copy(bytes, 0, 0, length);
  return bytes;
}

function inOnePiece(head: string, body: Buffer): Buffer {
  const piece = Buffer.allocUnsafe(head.length + body.length);
  piece.write(head, 'latin1');
  piece.set(body, head.length);
  return piece;
}
