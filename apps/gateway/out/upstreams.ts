import type { IncomingHttpHeaders } from 'node:http';
import type { Logger } from '#libs/runtime';
import { outgoingHeaders } from '../core/headers.js';
import { UpstreamChoice, type Fault } from '../core/upstream-choice.js';
import type { UpstreamSettings } from '../settings.js';
import { OriginPool, type AnswerHandler, type Call, type OutgoingRequest } from './origin-pool.js';
import { UpstreamCall } from './upstream-call.js';

/** Where a request goes. Safe to show. */
export interface UpstreamPlace {
  readonly name: string;
  /** In the list of upstreams, from 0; undefined where there is only one. */
  readonly index: number | undefined;
}

/** Takes an answer, and hears where the request goes. */
export interface UpstreamHandler extends AnswerHandler {
  /** The request goes to this upstream; comes again if that one refused the connection and another one is tried. */
  goesTo?(upstream: UpstreamPlace): void;
}

/** How one upstream stands, for people. */
export interface UpstreamReport {
  readonly name: string;
  readonly reachable: boolean;
  /** True while it gets requests only because no other is left. */
  readonly set_aside: boolean;
  readonly running: number;
}

interface Upstream extends UpstreamPlace {
  readonly pool: OriginPool;
  awaySinceMs: number;
  probe: NodeJS.Timeout | undefined;
}

/** The model servers behind this gateway, all with the same models. One that fails is put aside, and probed until it answers again. */
export class Upstreams {
  private readonly all: readonly Upstream[];
  private readonly choice: UpstreamChoice;
  private readonly apiKey: string | undefined;
  private isClosed = false;

  constructor(
    { urls, apiKey, connectTimeoutMs, headersTimeoutMs, idleTimeoutMs, keepAliveMs }: UpstreamSettings,
    private readonly logger: Logger,
  ) {
    const timeouts = { connectMs: connectTimeoutMs, headersMs: headersTimeoutMs, idleMs: idleTimeoutMs, keepAliveMs };
    this.all = urls.map((url, at) => {
      const place = { name: nameOf(url, urls), index: urls.length > 1 ? at : undefined };
      return { ...place, pool: new OriginPool(url, timeouts), awaySinceMs: 0, probe: undefined };
    });
    this.choice = new UpstreamChoice(urls.length);
    this.apiKey = apiKey;
  }

  /** Safe to show. */
  get name(): string {
    return this.all.map(({ name }) => name).join(', ');
  }

  /** What the upstream is told of a client's headers. */
  headersFor(incoming: IncomingHttpHeaders, requestId: string): string[] {
    return outgoingHeaders(incoming, { requestId, apiKey: this.apiKey });
  }

  /** Sends the request to the least busy upstream, and to another one only if that one refused the connection. */
  send(request: OutgoingRequest, handler: UpstreamHandler): Call {
    const call = new UpstreamCall(this, request, handler);
    call.start(this.choice.choose());
    return call;
  }

  /** Asks each at most once a second. Never rejects. */
  reports(): Promise<readonly UpstreamReport[]> {
    return Promise.all(
      this.standings().map(async ({ name, setAside, running }, index) => {
        const reachable = await this.all[index]!.pool.reachable();
        return { name, reachable, set_aside: setAside, running };
      }),
    );
  }

  /** How each stands, without asking it. */
  standings(): readonly { readonly name: string; readonly setAside: boolean; readonly running: number }[] {
    return this.all.map(({ name }, index) => ({ name, setAside: this.choice.isAway(index), running: this.choice.busyAt(index) }));
  }

  /** Breaks whatever is still under way. */
  close(): void {
    this.isClosed = true;
    for (const { probe, pool } of this.all) {
      clearTimeout(probe);
      pool.close();
    }
  }

  /** For UpstreamCall: a request goes to this upstream. */
  begin(index: number): Upstream {
    this.choice.begin(index);
    return this.all[index]!;
  }

  /** For UpstreamCall: it is over there. */
  finish(index: number): void {
    this.choice.finish(index);
  }

  /** For UpstreamCall: where a request may go that was refused by those in `tried`. */
  another(tried: readonly number[]): number | undefined {
    return this.isClosed ? undefined : this.choice.chooseAnother(tried);
  }

  answered(index: number): void {
    if (!this.choice.answered(index)) return;
    const upstream = this.all[index]!;
    clearTimeout(upstream.probe);
    const seconds = Math.round((performance.now() - upstream.awaySinceMs) / 100) / 10;
    this.logger.info(`upstream ${upstream.name} is back after ${seconds} s`);
  }

  failed(index: number, fault: Fault): void {
    if (!this.choice.failed(index, fault) || this.isClosed) return;
    const upstream = this.all[index]!;
    upstream.awaySinceMs = performance.now();
    const what = fault === 'refused' ? 'takes no connections' : 'does not answer';
    this.logger.warn(`upstream ${upstream.name} ${what}: it is put aside and probed until it is back`);
    this.probeLater(index);
  }

  private probeLater(index: number): void {
    const upstream = this.all[index]!;
    upstream.probe = setTimeout(() => void this.probe(index), this.choice.nextBackOffMs(index)).unref();
  }

  private async probe(index: number): Promise<void> {
    const isThere = await this.all[index]!.pool.answers();
    if (this.isClosed || !this.choice.isAway(index)) return;
    if (isThere) this.answered(index);
    else this.probeLater(index);
  }
}

/** Host and port, and the path too where that is all that tells two apart. */
function nameOf(url: string, urls: readonly string[]): string {
  const { host, pathname } = new URL(url);
  const isAlone = urls.filter((other) => new URL(other).host === host).length === 1;
  return isAlone ? host : host + pathname.replace(/\/+$/, '');
}
