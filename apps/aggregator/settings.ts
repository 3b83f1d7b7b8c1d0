import {
  eventLogSettings,
  localeSetting,
  serverSettings,
  type EventLogSettings,
  type Locale,
  type ServerSettings,
  type SettingsReader,
} from '#libs/runtime';
import type { LabelLimits } from './core/series.js';
import { otlpSettings, type OtlpSettings } from './otlp-settings.js';

export interface AggregatorSettings extends ServerSettings {
  readonly eventLog: EventLogSettings;
  readonly locale: Locale;
  readonly labels: LabelLimits;
  readonly snapshotIntervalMs: number;
  /** Whether the fleet is told of under vLLM's names, too. */
  readonly vllmMetrics: boolean;
  readonly otlp: OtlpSettings | undefined;
}

export function aggregatorSettings(read: SettingsReader, defaultPort = 9100): AggregatorSettings {
  return read.finish({
    ...serverSettings(read, defaultPort),
    eventLog: eventLogSettings(read),
    locale: localeSetting(read),
    labels: {
      models: read.list('MODELS', 'the only models with labels of their own, comma-separated'),
      maxModels: read.integer(
        'MAX_MODELS',
        200,
        { min: 1, max: 10_000 },
        'models with labels of their own, without MODELS: the first seen',
      ),
      maxTenants: read.integer('MAX_TENANTS', 200, { min: 0, max: 10_000 }, 'tenants with labels of their own: the first seen'),
    },
    snapshotIntervalMs: read.integer('SNAPSHOT_INTERVAL_MS', 1000, { min: 50, max: 60_000 }, 'time between snapshots'),
    vllmMetrics: read.oneOf('VLLM_METRICS', ['on', 'off'], 'on', 'the fleet under vLLM’s own metric names, for its dashboards') === 'on',
    otlp: otlpSettings(read),
  });
}
