import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EventLogOpenError, type EventLog } from './event-log.js';
import { brokersIn } from './kafka/address.js';
import type { KafkaOptions } from './kafka/kafka-event-log.js';
import { DATABASE_FILE } from './sqlite/database.js';
import { SqliteEventLog } from './sqlite/sqlite-event-log.js';

/** Which log, and how to speak to its brokers, if it has any. */
export interface EventLogAddress {
  /** `file:FOLDER` (a path, relative to the working directory, or a file URL), `memory:` or `kafka://host:port,…`. */
  readonly url: string;
  /** Speak TLS to the brokers; `caFile` holds the certificates to trust in place of the system's. */
  readonly tls?: { readonly caFile?: string | undefined } | undefined;
  readonly sasl?: SaslCredentials | undefined;
  /** Copies of each partition of topics that are created; -1, the default, leaves it to the cluster. */
  readonly replicationFactor?: number | undefined;
}

export interface SaslCredentials {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

export interface EventLogOptions {
  /** The clock that stamps records and ages them, in Unix ms. Only the embedded log has one; a broker has its own. */
  readonly now?: () => number;
  /** For those who only read: an embedded log that is not there is refused with EventLogOpenError, not made. */
  readonly mustExist?: boolean;
}

/** Opens a log, given by its settings or by its URL alone. Rejects with EventLogOpenError, whose message is one line for the operator, without secrets. */
export async function openEventLog(where: EventLogAddress | string, options: EventLogOptions = {}): Promise<EventLog> {
  const address = typeof where === 'string' ? { url: where } : where;
  const { url } = address;
  if (url === 'memory:') return SqliteEventLog.inMemory(options);
  if (url.startsWith('file:') && url !== 'file:') {
    const folder = folderOf(url);
    if (options.mustExist && !existsSync(join(folder, DATABASE_FILE))) throw new EventLogOpenError(`there is no event log in ${folder}`);
    return SqliteEventLog.inFolder(folder, options);
  }
  if (url.startsWith('kafka://')) {
    // Loaded only where it is used: the embedded log needs none of it.
    const { KafkaEventLog } = await import('./kafka/kafka-event-log.js');
    return new KafkaEventLog(kafkaOptions(address));
  }
  // The address is not repeated: it may hold a password.
  throw new EventLogOpenError('an event log is file:FOLDER, memory: or kafka://host:port,…');
}

/** The folder that a `file:` address names. */
export function folderOf(url: string): string {
  return url.startsWith('file://') ? fileURLToPath(url) : resolve(url.slice('file:'.length));
}

/** What an address says of the brokers and of speaking to them. Throws EventLogOpenError. */
export function kafkaOptions({ url, tls, sasl, replicationFactor = -1 }: EventLogAddress): KafkaOptions {
  return { seeds: brokersIn(url), tls: tls && { ca: certificatesIn(tls.caFile) }, sasl, replicationFactor };
}

function certificatesIn(file: string | undefined): Buffer | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (error) {
    throw new EventLogOpenError(`cannot read the certificates in ${file}`, { cause: error });
  }
}
