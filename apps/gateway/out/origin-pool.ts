import type { AnswerHead } from '../core/answer-head.js';
import { OriginCall } from './origin-call.js';
import { IdleConnections } from './idle-connections.js';
import { OriginConnection, type ConnectionOwner, type OriginAddress, type WireRequest } from './origin-connection.js';

export interface OriginTimeouts {
  readonly connectMs: number;
  /** From the first byte of the request that is sent to the first one of the answer's body. */
  readonly headersMs: number;
  /** Between two chunks of a body. */
  readonly idleMs: number;
  /** How long an idle connection may be used again. */
  readonly keepAliveMs: number;
}

export interface OutgoingRequest {
  readonly method: string;
  /** Starts with a slash; the origin's own prefix is put before it. */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body?: Buffer | undefined;
}

/** Why there is no whole answer: no connection, a time limit, a connection that broke, a mistake of ours. */
export type FailureCause = 'unreachable' | 'timeout' | 'broken' | 'internal';

/** Takes an answer: `head`, `data` any number of times, then `end` or `failed`; `failed` may come at any time, and nothing after it. */
export interface AnswerHandler {
  /** A connection is there, and the request goes up now. */
  sent?(): void;
  head(head: AnswerHead): void;
  /** Answers false to get no more until `resume`. */
  data(chunk: Buffer): boolean;
  end(): void;
  failed(cause: FailureCause, error?: unknown): void;
}

/** A request under way. */
export interface Call {
  resume(): void;
  /** Ends the request and closes its connection at once. The handler hears nothing more. */
  abort(): void;
}

const PROBE_TIMEOUT_MS = 1_000;

/** What may stand in the target of a request, and in the value of a header: an injected line end is our own mistake, and costs that request alone. */
const TARGET = /^[\x21-\x7e\x80-\xff]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Keep-alive connections to one HTTP origin, one request on each at a time, as many as are asked for. Follows no redirects. */
export class OriginPool implements ConnectionOwner {
  /** Host and port: safe to show. */
  readonly name: string;
  private readonly prefix: string;
  private readonly address: OriginAddress;
  private readonly open = new Set<OriginConnection>();
  private readonly resting: IdleConnections<OriginConnection>;
  private isClosed = false;
  private lastProbe: { readonly atMs: number; readonly result: Promise<boolean> } | undefined;

  constructor(
    url: string,
    private readonly timeouts: OriginTimeouts,
  ) {
    const { protocol, host, hostname, port, pathname } = new URL(url);
    const isTls = protocol === 'https:';
    this.name = host;
    this.prefix = pathname.replace(/\/+$/, '');
    this.address = { isTls, hostname: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || (isTls ? 443 : 80)) };
    this.resting = new IdleConnections(timeouts.keepAliveMs);
  }

  /** Throws if the request cannot be written as HTTP. */
  send(request: OutgoingRequest, handler: AnswerHandler): Call {
    return this.dispatch(request, handler, this.timeouts);
  }

  /** True if the origin answers anything at all; asks it at most once a second. Never rejects. */
  reachable(): Promise<boolean> {
    const nowMs = performance.now();
    if (!this.lastProbe || nowMs - this.lastProbe.atMs > PROBE_TIMEOUT_MS) this.lastProbe = { atMs: nowMs, result: this.answers() };
    return this.lastProbe.result;
  }

  /** As `reachable`, and asks now. */
  answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const handler: AnswerHandler = {
        head: () => resolve(true),
        data: () => true,
        end: () => resolve(true),
        failed: () => resolve(false),
      };
      const timeouts = { ...this.timeouts, headersMs: PROBE_TIMEOUT_MS, idleMs: PROBE_TIMEOUT_MS };
      const call = this.dispatch({ method: 'GET', path: '/health', headers: [] }, handler, timeouts);
      setTimeout(() => {
        resolve(false);
        call.abort();
      }, PROBE_TIMEOUT_MS).unref();
    });
  }

  /** Breaks whatever is still under way. */
  close(): void {
    this.isClosed = true;
    this.resting.stop();
    for (const connection of this.open) connection.fail(new Error('the gateway is going away'));
  }

  /** For OriginConnection. */
  idle(connection: OriginConnection, keepAliveMs: number): void {
    this.resting.add(connection, keepAliveMs);
  }

  /** For OriginConnection. */
  closed(connection: OriginConnection): void {
    this.open.delete(connection);
    this.resting.remove(connection);
  }

  private dispatch(request: OutgoingRequest, handler: AnswerHandler, timeouts: OriginTimeouts): Call {
    if (this.isClosed) throw new Error('the connections to the origin are closed');
    const call = new OriginCall(handler, timeouts);
    const wire = this.wireOf(request);
    const idle = this.resting.take();
    if (idle) idle.send(call, wire);
    else this.open.add(new OriginConnection(this.address, timeouts.connectMs, this, call, wire));
    return call;
  }

  private wireOf({ method, path, headers, body }: OutgoingRequest): WireRequest {
    if (!TARGET.test(path)) throw new Error('the target of a request has a character that it must not have');
    let head = `${method} ${this.prefix}${path} HTTP/1.1\r\nhost: ${this.name}\r\nconnection: keep-alive\r\n`;
    for (let at = 0; at + 1 < headers.length; at += 2) {
      const value = headers[at + 1]!;
      if (!FIELD_VALUE.test(value)) throw new Error(`the header ${headers[at]} of a request has a character that it must not have`);
      head += `${headers[at]}: ${value}\r\n`;
    }
    const length = body?.length ?? (method === 'POST' ? 0 : undefined);
    head += length === undefined ? '\r\n' : `content-length: ${length}\r\n\r\n`;
    return { head, body, isHead: method === 'HEAD' };
  }
}
