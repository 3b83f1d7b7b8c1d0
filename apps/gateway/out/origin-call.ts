import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { AnswerHandler, AnswerHead, Call, OriginTimeouts } from './origin-pool.js';

type Controller = Dispatcher.DispatchController;

/** One request as undici drives it. Tells its handler each thing once, and nothing after the end. */
export class OriginCall implements Dispatcher.DispatchHandler, Call {
  private controller: Controller | undefined;
  private isOver = false;
  private silence: NodeJS.Timeout | undefined;
  private hasBody = false;
  /** Bytes of the body that are still to come; undefined where the head does not say. */
  private remaining: number | undefined;

  constructor(
    private readonly handler: AnswerHandler,
    private readonly timeouts: OriginTimeouts,
  ) {}

  resume(): void {
    if (this.isOver) return;
    this.awaitMore(this.timeouts.idleMs);
    this.controller?.resume();
  }

  abort(): void {
    this.finish();
    this.controller?.abort(new Error('the request was given up'));
  }

  /** A connection is there and the request is about to be written. */
  onRequestStart(controller: Controller): void {
    this.controller = controller;
    if (this.isOver) return controller.abort(new Error('the request was given up'));
    this.awaitMore(this.timeouts.headersMs);
    this.guard(() => this.handler.sent?.());
  }

  onResponseStart(controller: Controller, status: number, headers: IncomingHttpHeaders, statusText = ''): void {
    if (status < 200 || this.isOver) return;
    const head = headOf(status, statusText, headers, controller.rawHeaders);
    this.remaining = head.contentLength;
    this.guard(() => this.handler.head(head));
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.isOver) return;
    if (this.remaining !== undefined) this.remaining -= chunk.length;
    // The end follows at once where this was the last of it: the clock that runs still will do.
    if (this.hasBody) this.silence?.refresh();
    else if (this.remaining !== 0) this.awaitMore(this.timeouts.idleMs);
    this.hasBody = true;
    this.guard(() => {
      if (this.handler.data(chunk) || this.isOver) return;
      controller.pause();
      clearTimeout(this.silence);
      this.silence = undefined;
    });
  }

  onResponseEnd(): void {
    if (this.finish()) this.guard(() => this.handler.end());
  }

  onResponseError(_controller: Controller | undefined, error: Error): void {
    if (this.finish()) this.handler.failed(this.controller ? 'broken' : 'unreachable', error);
  }

  private finish(): boolean {
    const isFirst = !this.isOver;
    this.isOver = true;
    clearTimeout(this.silence);
    return isFirst;
  }

  private awaitMore(limitMs: number): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      if (!this.finish()) return;
      this.controller?.abort(new Error('the origin fell silent'));
      this.handler.failed('timeout');
    }, limitMs);
  }

  /** A mistake of our own must not be taken for one of the origin's. */
  private guard(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.finish();
      this.controller?.abort(new Error('the request failed here'));
      this.handler.failed('internal', error);
    }
  }
}

function headOf(status: number, statusText: string, headers: IncomingHttpHeaders, rawHeaders: Controller['rawHeaders']): AnswerHead {
  const length = headers['content-length'];
  return {
    status,
    statusText,
    headers: namesAndValues(rawHeaders),
    contentType: headers['content-type'] ?? '',
    contentLength: length === undefined ? undefined : Number(length),
    isEncoded: (headers['content-encoding'] ?? 'identity') !== 'identity',
  };
}

/** Header bytes are Latin-1 by the protocol's definition. */
function namesAndValues(raw: Controller['rawHeaders']): string[] {
  return Array.isArray(raw) ? raw.map((bytes: Buffer | string) => (typeof bytes === 'string' ? bytes : bytes.toString('latin1'))) : [];
}
