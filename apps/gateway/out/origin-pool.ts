import { Pool, type Dispatcher } from 'undici';
import { OriginCall } from './origin-call.js';

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

export interface AnswerHead {
  /** 200 to 599. */
  readonly status: number;
  readonly statusText: string;
  /** Names and values in turn, as they came. */
  readonly headers: readonly string[];
  readonly contentType: string;
  readonly contentLength: number | undefined;
  /** True if the body is compressed, although plain bytes were asked for. */
  readonly isEncoded: boolean;
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

/** Keep-alive connections to one HTTP origin, one request on each at a time, as many as are asked for. Follows no redirects. */
export class OriginPool {
  /** Host and port: safe to show. */
  readonly name: string;
  private readonly prefix: string;
  private readonly pool: Pool;
  private lastProbe: { readonly atMs: number; readonly result: Promise<boolean> } | undefined;

  constructor(
    url: string,
    private readonly timeouts: OriginTimeouts,
  ) {
    const { origin, host, pathname } = new URL(url);
    this.name = host;
    this.prefix = pathname.replace(/\/+$/, '');
    this.pool = new Pool(origin, {
      pipelining: 1,
      allowH2: false,
      connectTimeout: timeouts.connectMs,
      keepAliveTimeout: timeouts.keepAliveMs,
      keepAliveMaxTimeout: timeouts.keepAliveMs,
      // OriginCall keeps the time itself: to the millisecond, and with the clock stopped while a client holds the answer up.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

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
  async close(): Promise<void> {
    await this.pool.destroy();
  }

  private dispatch({ method, path, headers, body }: OutgoingRequest, handler: AnswerHandler, timeouts: OriginTimeouts): Call {
    const call = new OriginCall(handler, timeouts);
    const options: Dispatcher.DispatchOptions = {
      method,
      path: this.prefix + path,
      headers,
      body: body ?? null,
    };
    this.pool.dispatch(options, call);
    return call;
  }
}
