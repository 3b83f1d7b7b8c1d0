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
}

export function eventLogSettings(read: SettingsReader): EventLogSettings {
  const url = read.text('EVENT_LOG_URL', 'file:./data', 'event log: file:FOLDER, memory: or kafka://host:port,…');
  const known = /^(file:.+|memory:|kafka:\/\/.+)$/.test(url);
  if (!known) read.refuse('EVENT_LOG_URL', 'must be file:FOLDER, memory: or kafka://host:port,…', undefined);
  const topicPrefix = read.text('EVENT_LOG_TOPIC_PREFIX', 'inferometer.', 'prefix of every topic');
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(topicPrefix)) {
    read.refuse('EVENT_LOG_TOPIC_PREFIX', 'may hold letters, digits, ".", "_" and "-", at most 64', undefined);
  }
  return { url, topicPrefix };
}

export function localeSetting(read: SettingsReader): Locale {
  return read.oneOf('LOCALE', LOCALES, 'en', 'language of messages');
}
