import type { SettingsReader } from '#libs/runtime';

/** Where and how the fleet's metrics are sent by OTLP. */
export interface OtlpSettings {
  readonly url: string;
  readonly protocol: 'http/protobuf' | 'http/json';
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly intervalMs: number;
  /** Of the resource, `service.name` among them. */
  readonly attributes: Readonly<Record<string, string>>;
}

const PROTOCOLS = ['http/protobuf', 'http/json'] as const;
const MAX_MS = 3_600_000;
const OVERRIDES = 'the same for metrics alone, in place of the other';

/** Undefined where no collector is named: then nothing is sent. https://opentelemetry.io/docs/specs/otel/protocol/exporter/ */
export function otlpSettings(read: SettingsReader): OtlpSettings | undefined {
  const base = read.optionalUrl('OTEL_EXPORTER_OTLP_ENDPOINT', 'collector that the fleet’s metrics are sent to, under /v1/metrics');
  const own = read.optionalUrl('OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', 'the same as a full address, in place of the other');
  const protocol = protocolIn(read);
  const headers = headersIn(read);
  const timeoutMs = timeoutIn(read);
  const intervalMs = read.integer('OTEL_METRIC_EXPORT_INTERVAL', 60_000, { min: 100, max: MAX_MS }, 'time between two sendings, in ms');
  const name = read.text('OTEL_SERVICE_NAME', 'inferometer', '`service.name` of what is sent');
  const attributes = pairs(read, 'OTEL_RESOURCE_ATTRIBUTES', 'attributes of what is sent, as key=value, comma-separated');
  const url = own ?? (base === undefined ? undefined : `${base}/v1/metrics`);
  return url === undefined
    ? undefined
    : { url, protocol, headers, timeoutMs, intervalMs, attributes: { ...attributes, 'service.name': name } };
}

/** In these three, what is said of metrics alone takes the place of what is said of all signals. */
function protocolIn(read: SettingsReader): OtlpSettings['protocol'] {
  const general = read.oneOf('OTEL_EXPORTER_OTLP_PROTOCOL', PROTOCOLS, 'http/protobuf', 'how they are sent');
  return read.oneOf('OTEL_EXPORTER_OTLP_METRICS_PROTOCOL', PROTOCOLS, general, OVERRIDES);
}

function headersIn(read: SettingsReader): OtlpSettings['headers'] {
  const general = pairs(read, 'OTEL_EXPORTER_OTLP_HEADERS', 'headers of what is sent, as key=value, comma-separated');
  const own = pairs(read, 'OTEL_EXPORTER_OTLP_METRICS_HEADERS', OVERRIDES);
  return Object.keys(own).length > 0 ? own : general;
}

function timeoutIn(read: SettingsReader): number {
  const limits = { min: 1, max: MAX_MS };
  const general = read.integer('OTEL_EXPORTER_OTLP_TIMEOUT', 10_000, limits, 'time limit of one sending, in ms');
  return read.integer('OTEL_EXPORTER_OTLP_METRICS_TIMEOUT', general, limits, OVERRIDES);
}

/** `key=value,…` with percent-encoded values. They may be secret, and are not repeated where they are wrong. */
function pairs(read: SettingsReader, name: string, about: string): Readonly<Record<string, string>> {
  const found: [string, string][] = [];
  for (const pair of read.list(name, about)) {
    const at = pair.indexOf('=');
    const value = at < 1 ? undefined : decoded(pair.slice(at + 1).trim());
    if (value === undefined) return read.refuse(name, 'must be key=value pairs, comma-separated, with percent-encoded values', {});
    found.push([pair.slice(0, at).trim(), value]);
  }
  return Object.fromEntries(found);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
