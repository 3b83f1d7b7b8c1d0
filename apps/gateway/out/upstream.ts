import type { IncomingHttpHeaders } from 'node:http';
import { outgoingHeaders } from '../core/headers.js';
import type { UpstreamSettings } from '../settings.js';
import { OriginPool } from './origin-pool.js';

/** The model server behind this gateway. */
export class Upstream extends OriginPool {
  private readonly apiKey: string | undefined;

  constructor({ url, apiKey, connectTimeoutMs, headersTimeoutMs, idleTimeoutMs, keepAliveMs }: UpstreamSettings) {
    super(url, { connectMs: connectTimeoutMs, headersMs: headersTimeoutMs, idleMs: idleTimeoutMs, keepAliveMs });
    this.apiKey = apiKey;
  }

  /** What the upstream is told of a client's headers. */
  headersFor(incoming: IncomingHttpHeaders, requestId: string): string[] {
    return outgoingHeaders(incoming, { requestId, apiKey: this.apiKey });
  }
}
