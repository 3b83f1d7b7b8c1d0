import { BlockList, isIP } from 'node:net';
import { hostname } from 'node:os';
import { eventLogSettings, serverSettings, type EventLogSettings, type ServerSettings, type SettingsReader } from '#libs/runtime';
import { QUEUE_ORDERS, type QueueOrder } from './core/admission.js';

export interface UpstreamSettings {
  /** At least one, each another. Without a trailing slash; a trailing `/v1` is cut off, since every route brings its own. */
  readonly urls: readonly string[];
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
  /** Undefined where a tenant has no limit of its own. */
  readonly maxConcurrentPerTenant: number | undefined;
  readonly maxQueuePerTenant: number | undefined;
  readonly queueOrder: QueueOrder;
  /** Limits that win over those above; read at the start and on SIGHUP. */
  readonly limitsFile: string | undefined;
  readonly queueTimeoutMs: number;
  readonly maxBodyBytes: number;
  /** How long a client may leave its answer unread. */
  readonly clientStallTimeoutMs: number;
  /** How much of an answer waits here for a client that reads slowly before the upstream is held back. */
  readonly clientBufferBytes: number;
  /** Whether a client that has closed its half of the connection may still be waiting for the answer. */
  readonly servesHalfClosed: boolean;
  /** From "not ready" to refusing requests. */
  readonly drainDelayMs: number;
  readonly drainTimeoutMs: number;
  /** Lower case. */
  readonly tenantHeader: string | undefined;
  /** Whose tenant header is believed. */
  readonly trustedPeers: BlockList;
  /** Digests of the keys that clients must have; without it everybody is let in. */
  readonly apiKeysFile: string | undefined;
  /** Whose pages may call the gateway: origins, or `*`. */
  readonly corsOrigins: readonly string[];
  /** Tell clients how long their request has waited. */
  readonly serverTiming: boolean;
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
    maxConcurrentPerTenant: limit('MAX_CONCURRENT_PER_TENANT', 0, 0, 'of these, requests of one tenant, 0 for no such limit') || undefined,
    maxQueuePerTenant:
      limit('MAX_QUEUE_PER_TENANT', 0, 0, 'requests of one tenant that wait for a place, 0 for no such limit') || undefined,
    queueOrder: read.oneOf('QUEUE_ORDER', QUEUE_ORDERS, 'arrival', 'who is served next: the first to come, or the tenants in turn'),
    limitsFile: read.optionalText('LIMITS_FILE', 'JSON file of limits, as PUT /admin/limits takes them; read at the start and on SIGHUP'),
    queueTimeoutMs: milliseconds(read, 'QUEUE_TIMEOUT_MS', 30_000, 'longest wait in the queue'),
    maxBodyBytes: read.integer('MAX_BODY_BYTES', 33_554_432, { min: 1, max: LARGEST_BODY_BYTES }, 'largest request body'),
    clientStallTimeoutMs: milliseconds(read, 'CLIENT_STALL_TIMEOUT_MS', 60_000, 'longest time that a client may leave its answer unread'),
    clientBufferBytes: read.integer(
      'CLIENT_BUFFER_BYTES',
      262_144,
      { min: 65_536, max: 2 ** 30 },
      'what waits here of one answer for a slow client before the model server is held back',
    ),
    servesHalfClosed:
      read.oneOf('CLIENT_HALF_CLOSE', ['gone', 'waits'], 'gone', 'what a client that has closed its sending side is taken for') === 'waits',
    drainDelayMs: read.integer(
      'DRAIN_DELAY_MS',
      0,
      { min: 0, max: DAY_MS },
      'at shutdown, how long requests are still taken after /health/ready has said 503: longer than a balancer needs to hear of it',
    ),
    drainTimeoutMs: read.integer('DRAIN_TIMEOUT_MS', 30_000, { min: 0, max: DAY_MS }, 'longest wait for running requests at shutdown'),
    tenantHeader: read.optionalText('TENANT_HEADER', 'request header that names the tenant')?.toLowerCase(),
    trustedPeers: trustedPeers(read),
    apiKeysFile: read.optionalText('GATEWAY_API_KEYS_FILE', 'file of the API keys that clients must have, see npm run keys'),
    corsOrigins: corsOrigins(read),
    serverTiming: read.oneOf('SERVER_TIMING', ['on', 'off'], 'on', 'tell clients in a server-timing header how long they waited') === 'on',
  });
}

function corsOrigins(read: SettingsReader): readonly string[] {
  const origins = read.list('CORS_ORIGINS', 'origins whose web pages may call this gateway, comma-separated, * for any');
  for (const origin of origins) {
    const isFit = origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin);
    if (!isFit) read.refuse('CORS_ORIGINS', `"${origin}" is neither * nor an origin such as https://chat.example`, undefined);
  }
  return origins;
}

function trustedPeers(read: SettingsReader): BlockList {
  const list = read.text('TRUSTED_PEERS', '127.0.0.0/8,::1', 'addresses and networks whose TENANT_HEADER is believed, comma-separated');
  const peers = new BlockList();
  for (const peer of list.split(',').map((item) => item.trim())) {
    const [address = '', bits, ...rest] = peer.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    const longest = family === 'ipv6' ? 128 : 32;
    const isFit = isIP(address) !== 0 && rest.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= longest));
    if (isFit) peers.addSubnet(address, Number(bits ?? longest), family);
    else read.refuse('TRUSTED_PEERS', `"${peer}" is not an address or a network such as 10.0.0.0/8`, undefined);
  }
  return peers;
}

/** None beside an embedded log: that is a file on this machine too, and would be away together with the spool. */
function spoolSettings(read: SettingsReader, { url }: EventLogSettings): SpoolSettings | undefined {
  const folder = read.text('SPOOL_DIR', './data/spool', 'folder where events wait while the brokers are away');
  const maxBytes = read.integer('SPOOL_MAX_BYTES', 1_073_741_824, { min: 0, max: 2 ** 50 }, 'events that wait there at most, in bytes');
  return url.startsWith('kafka:') ? { folder, maxBytes } : undefined;
}

function upstreamSettings(read: SettingsReader): UpstreamSettings {
  return {
    urls: upstreamUrls(read),
    apiKey: read.optionalText('UPSTREAM_API_KEY', 'bearer token for the model server, in place of the clients’ own'),
    connectTimeoutMs: milliseconds(read, 'UPSTREAM_CONNECT_TIMEOUT_MS', 5_000, 'longest wait for a connection to the model server'),
    headersTimeoutMs: milliseconds(read, 'UPSTREAM_HEADERS_TIMEOUT_MS', 300_000, 'longest wait for the start of an answer'),
    idleTimeoutMs: milliseconds(read, 'UPSTREAM_IDLE_TIMEOUT_MS', 60_000, 'longest silence within an answer'),
    keepAliveMs: milliseconds(read, 'UPSTREAM_KEEPALIVE_MS', 4_000, 'how long an idle connection to the model server is kept'),
  };
}

function upstreamUrls(read: SettingsReader): readonly string[] {
  const given = read.list('UPSTREAM_URL', 'OpenAI-compatible model server, required; several with the same models, separated by commas');
  if (given.length === 0) return read.refuse('UPSTREAM_URL', 'is required, for example http://127.0.0.1:8001', []);
  const urls = given.map((url) => url.replace(/\/+$/, '').replace(/\/v1$/, ''));
  const isFit = given.every((url) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol));
  if (!isFit) return read.refuse('UPSTREAM_URL', 'not an http:// or https:// address', []);
  return new Set(urls).size === urls.length ? urls : read.refuse('UPSTREAM_URL', 'names the same address twice', []);
}

function identifier(read: SettingsReader): string {
  const id = read.text('GATEWAY_ID', hostname(), 'name of this gateway in events');
  const isFit = /^[^/\p{Cc}]{1,128}$/u.test(id);
  return isFit ? id : read.refuse('GATEWAY_ID', 'must have 1 to 128 characters, and no slash', id);
}

function milliseconds(read: SettingsReader, name: string, fallback: number, about: string): number {
  return read.integer(name, fallback, { min: 1, max: DAY_MS }, `${about}, in ms`);
}
