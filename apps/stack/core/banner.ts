export interface BannerFacts {
  readonly version: string;
  readonly gatewayUrl: string;
  readonly aggregatorUrl: string;
  readonly upstreamUrl: string;
  /** The model of the simulated server, or undefined in front of a real one. */
  readonly simulatedModel: string | undefined;
  readonly maxConcurrent: number;
  readonly maxQueue: number;
  readonly eventLogUrl: string;
  readonly demo: boolean;
}

/** What `npm start` prints: the addresses and one `curl` to try. */
export function banner(facts: BannerFacts): string {
  const { gatewayUrl, simulatedModel } = facts;
  const limits = `${facts.maxConcurrent} running, ${facts.maxQueue} waiting`;
  const upstream =
    simulatedModel === undefined
      ? `${facts.upstreamUrl} (${limits})`
      : `simulated at ${facts.upstreamUrl} (${limits}); set UPSTREAM_URL to your own`;
  const model = simulatedModel ?? 'YOUR-MODEL';
  return [
    `Inferometer ${facts.version}`,
    '',
    `  Gateway       ${gatewayUrl}/v1`,
    `  Metrics       ${gatewayUrl}/api/v1/metrics`,
    `  Prometheus    ${gatewayUrl}/metrics/prometheus`,
    `  Aggregator    ${facts.aggregatorUrl}`,
    `  Model server  ${upstream}`,
    `  Event log     ${facts.eventLogUrl}`,
    ...(facts.demo ? ['  Demo          a gentle load is running'] : []),
    '',
    'Try:',
    `  curl -N ${gatewayUrl}/v1/chat/completions -H 'content-type: application/json' \\`,
    `    -d '{"model":"${model}","stream":true,"messages":[{"role":"user","content":"Hello"}]}'`,
    `  curl ${gatewayUrl}/api/v1/metrics`,
    '  npm run dashboard',
    '',
    'Ctrl-C drains and stops.',
  ].join('\n');
}
