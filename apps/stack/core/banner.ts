export interface BannerFacts {
  readonly version: string;
  readonly gatewayUrl: string;
  readonly aggregatorUrl: string;
  /** Shown without what it may hold of a password. */
  /** Several are separated by a comma and a space. */
  readonly upstreamUrl: string;
  /** The model of the simulated server, or undefined in front of a real one. */
  readonly simulatedModel: string | undefined;
  readonly maxConcurrent: number;
  readonly maxQueue: number;
  readonly eventLogUrl: string;
  readonly gpuSource: string;
  /** True if metrics and API ask for API_TOKEN. */
  readonly needsToken: boolean;
  readonly demo: boolean;
}

/** Where the dashboard looks by itself. */
const DEFAULT_DOOR = 'http://127.0.0.1:8000';

/** What `npm start` prints: the addresses and one `curl` to try. */
export function banner(facts: BannerFacts): string {
  const { gatewayUrl, simulatedModel } = facts;
  const limits = `(${facts.maxConcurrent} running, ${facts.maxQueue} waiting)`;
  const addresses = facts.upstreamUrl.split(', ').map((address) => withoutCredentials(address));
  const upstream = `${addresses.join(', ')} ${limits}`;
  const isDefaultDoor = gatewayUrl === DEFAULT_DOOR;
  return [
    `Inferometer ${facts.version}`,
    '',
    `  Gateway       ${gatewayUrl}/v1`,
    `  Metrics       ${gatewayUrl}/api/v1/metrics`,
    `  Prometheus    ${gatewayUrl}/metrics/prometheus`,
    `  Aggregator    ${facts.aggregatorUrl}`,
    `  Model server  ${simulatedModel === undefined ? upstream : `simulated at ${upstream}; set UPSTREAM_URL to your own`}`,
    `  GPU           ${facts.gpuSource}`,
    `  Event log     ${facts.eventLogUrl}`,
    ...(facts.demo ? ['  Demo          a gentle load is running'] : []),
    '',
    'Try:',
    `  curl -N ${gatewayUrl}/v1/chat/completions -H 'content-type: application/json' \\`,
    `    -d '{"model":"${simulatedModel ?? 'YOUR-MODEL'}","stream":true,"messages":[{"role":"user","content":"Hello"}]}'`,
    `  curl ${gatewayUrl}/api/v1/metrics${facts.needsToken ? ' -H "authorization: Bearer $API_TOKEN"' : ''}`,
    `  npm run dashboard${isDefaultDoor ? '' : ` -- --url ${gatewayUrl}`}`,
    '',
    'Ctrl-C drains and stops.',
  ].join('\n');
}

function withoutCredentials(address: string): string {
  const url = new URL(address);
  return `${url.protocol}//${url.host}${url.pathname === '/' ? '' : url.pathname}`;
}
