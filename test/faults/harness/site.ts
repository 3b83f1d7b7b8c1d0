import { temporaryFolder } from '../../support/stack.js';
import type { Fleet } from './fleet.js';
import { SERVED_MODELS } from './http-load.js';
import type { AppProcess } from './processes.js';

/** A model server and gateways before it, all in processes of their own. */
export class Site {
  private readonly fleet: Fleet;
  private readonly upstreamUrl: string;

  private constructor(fleet: Fleet, upstreamUrl: string) {
    this.fleet = fleet;
    this.upstreamUrl = upstreamUrl;
  }

  static async on(fleet: Fleet): Promise<Site> {
    const pace = { TTFT_MS: '30', TOKENS_PER_SECOND: '100' };
    const upstream = await fleet.app('model-server', { MODEL_NAMES: SERVED_MODELS.join(','), ...pace });
    return new Site(fleet, upstream.url);
  }

  /** Starts a gateway. `spool`: the folder of an earlier one whose place it takes. */
  gateway(id: string, { spool = temporaryFolder(), ...env }: Readonly<Record<string, string>> = {}): Promise<AppProcess> {
    return this.fleet.app('gateway', {
      GATEWAY_ID: id,
      UPSTREAM_URL: this.upstreamUrl,
      TENANT_HEADER: 'x-tenant',
      SPOOL_DIR: spool,
      ...env,
    });
  }
}

/** What the gateway says of its way to the log. */
export async function eventLogOf(
  gateway: AppProcess,
): Promise<{ readonly connected: boolean; readonly spooled: number; readonly dropped: number }> {
  const { body } = await gateway.get('/health');
  return (JSON.parse(body) as { event_log: { connected: boolean; spooled: number; dropped: number } }).event_log;
}
