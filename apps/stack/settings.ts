import type { LogLevel, SettingsReader } from '#libs/runtime';
import { aggregatorSettings, type AggregatorSettings } from '../aggregator/settings.js';
import { gatewaySettings, type GatewaySettings } from '../gateway/settings.js';
import { gpuProbeSettings, type GpuProbeSettings } from '../gpu-probe/settings.js';
import { modelServerSettings, type ModelServerSettings } from '../model-server/settings.js';

export interface StackSettings {
  readonly logLevel: LogLevel;
  /** Where its URL points once everything is started; see `simulated`. */
  readonly gateway: GatewaySettings;
  readonly aggregator: AggregatorSettings;
  readonly gpuProbe: GpuProbeSettings;
  /** The simulated model server that stands in where no UPSTREAM_URL is set. */
  readonly modelServer: ModelServerSettings | undefined;
}

/** The limits of the machine that the first users had: what the simulated model server is run with. */
const SIMULATED_DEFAULTS = { MAX_CONCURRENT_REQUESTS: '3', MAX_QUEUE_SIZE: '10', GPU_SOURCE: 'simulated' };
/** Never called: the simulated server's own address takes its place once it listens. */
const PLACEHOLDER_URL = 'http://127.0.0.1:8001';

/** The settings of every part. PORT is the gateway's, the one door. Every mistake of every part is reported together. */
export function stackSettings(read: SettingsReader): StackSettings {
  const simulated =
    read.optionalText('UPSTREAM_URL', 'OpenAI-compatible model server; without it a simulated one is started') === undefined;
  const aggregatorPort = read.port('AGGREGATOR_PORT', 9100, 'port of the aggregator');
  const probePort = read.port('GPU_PROBE_PORT', 9101, 'port of the GPU probe');
  const modelServerPort = read.port('MODEL_SERVER_PORT', 8001, 'port of the simulated model server');
  const gateway = read.section(
    gatewaySettings,
    simulated ? { defaults: SIMULATED_DEFAULTS, fixed: { UPSTREAM_URL: PLACEHOLDER_URL } } : {},
  );
  const aggregator = read.section(aggregatorSettings, { fixed: { PORT: String(aggregatorPort) } });
  const gpuProbe = read.section(gpuProbeSettings, { defaults: simulated ? SIMULATED_DEFAULTS : {}, fixed: { PORT: String(probePort) } });
  const modelServer = read.section(modelServerSettings, { fixed: { PORT: String(modelServerPort) } });
  if (!gateway || !aggregator || !gpuProbe || !modelServer) return read.finish(undefined as never);
  return read.finish({ logLevel: gateway.logLevel, gateway, aggregator, gpuProbe, modelServer: simulated ? modelServer : undefined });
}
