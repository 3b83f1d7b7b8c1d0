import { LOG_LEVELS, type LogLevel } from './logger.js';
import type { SettingsReader } from './settings.js';

export const LOCALES = ['en', 'zh'] as const;
export type Locale = (typeof LOCALES)[number];

/** Settings of every process that listens. */
export interface ServerSettings {
  readonly host: string;
  readonly port: number;
  readonly logLevel: LogLevel;
  /** Bearer token that metrics and API routes ask for; open where undefined. */
  readonly apiToken: string | undefined;
}

/** Warns where metrics and API would be open to other machines. */
export function serverSettings(read: SettingsReader, defaultPort: number): ServerSettings {
  const settings = {
    host: read.text('HOST', '127.0.0.1', 'address to listen on'),
    port: read.port('PORT', defaultPort, 'port to listen on, 0 for any'),
    logLevel: read.oneOf('LOG_LEVEL', LOG_LEVELS, 'info', 'least level that is logged'),
    apiToken: read.optionalText('API_TOKEN', 'bearer token for metrics and API routes'),
  };
  const isOpen = settings.apiToken === undefined && !/^(127\.[\d.]+|::1|localhost)$/.test(settings.host);
  if (isOpen) read.warn(`HOST ${settings.host} can be reached from other machines, and without API_TOKEN metrics and API are open to them`);
  return settings;
}

export interface EventLogSettings {
  readonly url: string;
  readonly topicPrefix: string;
  /** Speak TLS to the brokers; `caFile` holds the certificates to trust in place of the system's. */
  readonly tls?: { readonly caFile: string | undefined } | undefined;
  readonly sasl?: SaslSettings | undefined;
  /** Copies of each partition of topics that are created; the cluster's own default where undefined. */
  readonly replicationFactor?: number | undefined;
}

const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

export interface SaslSettings {
  readonly mechanism: (typeof SASL_MECHANISMS)[number];
  readonly username: string;
  readonly password: string;
}

export function eventLogSettings(read: SettingsReader): EventLogSettings {
  const url = read.text('EVENT_LOG_URL', 'file:./data', 'event log: file:FOLDER, memory: or kafka://host:port,…');
  const known = /^(file:.+|memory:|kafka:\/\/[^@/]+)$/.test(url);
  if (!known) read.refuse('EVENT_LOG_URL', 'must be file:FOLDER, memory: or kafka://host:port,…, without a user or a password', undefined);
  const topicPrefix = read.text('EVENT_LOG_TOPIC_PREFIX', 'inferometer.', 'prefix of every topic');
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(topicPrefix)) {
    read.refuse('EVENT_LOG_TOPIC_PREFIX', 'may hold letters, digits, ".", "_" and "-", at most 64', undefined);
  }
  const isEncrypted = read.oneOf('EVENT_LOG_TLS', ['off', 'on'], 'off', 'speak TLS to the brokers') === 'on';
  const caFile = read.optionalText('EVENT_LOG_TLS_CA_FILE', 'file with the certificates to trust, in place of the system’s');
  const replicationFactor = read.integer(
    'EVENT_LOG_REPLICATION_FACTOR',
    -1,
    { min: -1, max: 32 },
    'copies of new topics, -1 for the cluster’s default',
  );
  if (replicationFactor === 0) read.refuse('EVENT_LOG_REPLICATION_FACTOR', 'must be at least 1, or -1', undefined);
  return { url, topicPrefix, tls: isEncrypted ? { caFile } : undefined, sasl: saslSettings(read, isEncrypted), replicationFactor };
}

function saslSettings(read: SettingsReader, isEncrypted: boolean): SaslSettings | undefined {
  const mechanism = read.oneOf('EVENT_LOG_SASL_MECHANISM', ['none', ...SASL_MECHANISMS], 'none', 'how to log in at the brokers');
  const username = read.optionalText('EVENT_LOG_SASL_USERNAME', 'user to log in as');
  const password = read.optionalText('EVENT_LOG_SASL_PASSWORD', 'password to log in with');
  if (mechanism === 'none') return undefined;
  if (username === undefined) read.refuse('EVENT_LOG_SASL_USERNAME', 'is required with EVENT_LOG_SASL_MECHANISM', undefined);
  if (password === undefined) read.refuse('EVENT_LOG_SASL_PASSWORD', 'is required with EVENT_LOG_SASL_MECHANISM', undefined);
  if (mechanism === 'plain' && !isEncrypted)
    read.warn('EVENT_LOG_SASL_MECHANISM plain without EVENT_LOG_TLS sends the password in the clear');
  return { mechanism, username: username ?? '', password: password ?? '' };
}

export function localeSetting(read: SettingsReader): Locale {
  return read.oneOf('LOCALE', LOCALES, 'en', 'language of messages');
}
