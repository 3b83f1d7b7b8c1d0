import { hostname } from 'node:os';
import { eventLogSettings, serverSettings, type EventLogSettings, type ServerSettings, type SettingsReader } from '#libs/runtime';

export interface UpstreamSettings {
  /** Without a trailing slash; a trailing `/v1` is cut off, since every route brings its own. */
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly connectTimeoutMs: number;
  /** Until the first bytes of the answer's body. */
  readonly headersTimeoutMs: number;
  /** Between two chunks of the body. */
  readonly idleTimeoutMs: number;
  /** How long an idle connection may be used again. */
  readonly keepAliveMs: number;
}

export interface SpoolSettings {
  readonly folder: string;
  readonly maxBytes: number;
}

export interface GatewaySettings extends ServerSettings {
  readonly eventLog: EventLogSettings;
  /** Where events wait while the brokers are away. */
  readonly spool: SpoolSettings | undefined;
  readonly gatewayId: string;
  readonly upstream: UpstreamSettings;
  readonly aggregatorUrl: string | undefined;
  readonly maxConcurrentRequests: number;
  readonly maxQueueSize: number;
  readonly queueTimeoutMs: number;
  readonly maxBodyBytes: number;
  /** How long a client may leave its answer unread. */
  readonly clientStallTimeoutMs: number;
  readonly drainTimeoutMs: number;
  /** Lower case. */
  readonly tenantHeader: string | undefined;
}

const DAY_MS = 86_400_000;
/** A body is read as one text, and no text may have twice as many characters. */
const LARGEST_BODY_BYTES = 268_435_456;

/** Every setting of the gateway. Reports all mistakes together; see SettingsReader. */
export function gatewaySettings(read: SettingsReader): GatewaySettings {
  const limit = (name: string, fallback: number, min: number, about: string) =>
    read.integer(name, fallback, { min, max: 1_000_000 }, about);
  const eventLog = eventLogSettings(read);
  return read.finish({
    ...serverSettings(read, 8000),
    eventLog,
    spool: spoolSettings(read, eventLog),
    gatewayId: identifier(read),
    upstream: upstreamSettings(read),
    aggregatorUrl: read.optionalUrl('AGGREGATOR_URL', 'aggregator whose pages and API are shown here too'),
    maxConcurrentRequests: limit('MAX_CONCURRENT_REQUESTS', 256, 1, 'requests at the model server at a time'),
    maxQueueSize: limit('MAX_QUEUE_SIZE', 1024, 0, 'requests that wait for a place'),
    queueTimeoutMs: milliseconds(read, 'QUEUE_TIMEOUT_MS', 30_000, 'longest wait in the queue'),
    maxBodyBytes: read.integer('MAX_BODY_BYTES', 33_554_432, { min: 1, max: LARGEST_BODY_BYTES }, 'largest request body'),
    clientStallTimeoutMs: milliseconds(read, 'CLIENT_STALL_TIMEOUT_MS', 60_000, 'longest time that a client may leave its answer unread'),
    drainTimeoutMs: read.integer('DRAIN_TIMEOUT_MS', 30_000, { min: 0, max: DAY_MS }, 'longest wait for running requests at shutdown'),
    tenantHeader: read.optionalText('TENANT_HEADER', 'request header that names the tenant')?.toLowerCase(),
  });
}

/** None beside an embedded log: that is a file on this machine too, and would be away together with the spool. */
function spoolSettings(read: SettingsReader, { url }: EventLogSettings): SpoolSettings | undefined {
  const folder = read.text('SPOOL_DIR', './data/spool', 'folder where events wait while the brokers are away');
  const maxBytes = read.integer('SPOOL_MAX_BYTES', 1_073_741_824, { min: 0, max: 2 ** 50 }, 'events that wait there at most, in bytes');
  return url.startsWith('kafka:') ? { folder, maxBytes } : undefined;
}

function upstreamSettings(read: SettingsReader): UpstreamSettings {
  return {
    url: read.url('UPSTREAM_URL', 'http://127.0.0.1:8001', 'OpenAI-compatible model server, required').replace(/\/v1$/, ''),
    apiKey: read.optionalText('UPSTREAM_API_KEY', 'bearer token for the model server, in place of the clients’ own'),
    connectTimeoutMs: milliseconds(read, 'UPSTREAM_CONNECT_TIMEOUT_MS', 5_000, 'longest wait for a connection to the model server'),
    headersTimeoutMs: milliseconds(read, 'UPSTREAM_HEADERS_TIMEOUT_MS', 300_000, 'longest wait for the start of an answer'),
    idleTimeoutMs: milliseconds(read, 'UPSTREAM_IDLE_TIMEOUT_MS', 60_000, 'longest silence within an answer'),
    keepAliveMs: milliseconds(read, 'UPSTREAM_KEEPALIVE_MS', 4_000, 'how long an idle connection to the model server is kept'),
  };
}

function identifier(read: SettingsReader): string {
  const id = read.text('GATEWAY_ID', hostname(), 'name of this gateway in events');
  const isFit = /^[^/\p{Cc}]{1,128}$/u.test(id);
  return isFit ? id : read.refuse('GATEWAY_ID', 'must have 1 to 128 characters, and no slash', id);
}

function milliseconds(read: SettingsReader, name: string, fallback: number, about: string): number {
  return read.integer(name, fallback, { min: 1, max: DAY_MS }, `${about}, in ms`);
}
