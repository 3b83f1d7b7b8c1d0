import { hash, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync, type BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { OnApplicationShutdown } from '@nestjs/common';
import { StartError, type Logger } from '#libs/runtime';
import { parseKeyFile, type KeyEntry } from '../core/key-file.js';

const LOOK_EVERY_MS = 500;
/** How much of a digest tells entries apart; the rest is compared in constant time. */
const PREFIX_LENGTH = 8;

interface Holder {
  readonly digest: Buffer;
  readonly name: string;
}

/** The digest under which a key stands in the file. */
export function digestOf(key: string): string {
  return hash('sha256', key, 'hex');
}

/**
 * The API keys of the clients, as digests from a file, which is read again when it changes. What cannot be read then leaves the keys as they
 * are, and says so in the log; a file that cannot be read at the start is a StartError.
 */
export class ApiKeys implements OnApplicationShutdown {
  private holders: ReadonlyMap<string, readonly Holder[]> = new Map();
  private lastSeen = '';
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly file: string | undefined,
    private readonly logger: Logger,
  ) {
    if (file === undefined) return;
    // First the look, then the reading: what changes in between is seen at the next look.
    this.lastSeen = lookOf(statSync(file, { bigint: true, throwIfNoEntry: false }));
    this.load(file);
    this.timer = setInterval(() => void this.look(file), LOOK_EVERY_MS).unref();
  }

  /** False where everybody is let in. */
  get areAsked(): boolean {
    return this.file !== undefined;
  }

  /** The name of whoever has this key. */
  nameOf(key: string): string | undefined {
    const digest = digestOf(key);
    const candidates = this.holders.get(digest.slice(0, PREFIX_LENGTH)) ?? [];
    const bytes = Buffer.from(digest, 'hex');
    return candidates.find((holder) => timingSafeEqual(holder.digest, bytes))?.name;
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async look(file: string): Promise<void> {
    const seen = lookOf(await stat(file, { bigint: true }).catch(() => undefined));
    if (seen === this.lastSeen) return;
    this.lastSeen = seen;
    this.tryReload(file);
  }

  private tryReload(file: string): void {
    try {
      this.load(file);
      this.logger.info('the API keys have been read again');
    } catch (error) {
      this.logger.error(`${(error as Error).message}; the keys stay as they were`);
    }
  }

  private load(file: string): void {
    const entries = parseKeyFile(readKeyFile(file));
    if ('faultyLine' in entries) {
      throw new StartError(`GATEWAY_API_KEYS_FILE ${file}: line ${entries.faultyLine} is not "DIGEST NAME"`);
    }
    if (entries.length === 0) this.logger.warn(`GATEWAY_API_KEYS_FILE ${file} holds no key: every request will be refused`);
    const holders = entries.map(({ digest, name }: KeyEntry) => ({ digest: Buffer.from(digest, 'hex'), name })).toReversed();
    this.holders = Map.groupBy(holders, ({ digest }) => digest.toString('hex').slice(0, PREFIX_LENGTH));
  }
}

/** What changes whenever the file is written or replaced. */
function lookOf(stats: BigIntStats | undefined): string {
  return stats ? `${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}` : 'none';
}

function readKeyFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new StartError(`GATEWAY_API_KEYS_FILE ${file} cannot be read (${code}); npm run keys -- add NAME makes one`, { cause: error });
  }
}
