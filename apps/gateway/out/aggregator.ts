import { OriginPool } from './origin-pool.js';

/** Its live stream speaks once a second, so a minute of silence means that it is gone. */
const TIMEOUTS = { connectMs: 2_000, headersMs: 30_000, idleMs: 60_000, keepAliveMs: 4_000 };

/** The aggregator whose pages and API are shown through this gateway, if there is one. */
export class Aggregator {
  readonly pool: OriginPool | undefined;

  constructor(url: string | undefined) {
    this.pool = url === undefined ? undefined : new OriginPool(url, TIMEOUTS);
  }
}
