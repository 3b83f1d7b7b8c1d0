import type { EventLog, OutgoingRecord } from '#libs/event-log';
import { isDelta, parseRollupKey } from '../core/rollup-keys.js';

/** What a rollup record does: moves a state on, is part of a whole one, or takes back what nobody needs any more. */
export type RollupKind = 'delta' | 'base' | 'deletion';

/** Stores rollups, and counts what was stored. */
export class RollupTally implements Pick<EventLog, 'append'> {
  readonly stored: Readonly<Record<RollupKind, { records: number; bytes: number }>> = {
    delta: { records: 0, bytes: 0 },
    base: { records: 0, bytes: 0 },
    deletion: { records: 0, bytes: 0 },
  };
  private lastMs: number | undefined;

  constructor(private readonly log: Pick<EventLog, 'append'>) {}

  /** Milliseconds since rollups were last stored here; undefined before the first. */
  get ageMs(): number | undefined {
    return this.lastMs === undefined ? undefined : performance.now() - this.lastMs;
  }

  /** As the log's own. */
  async append(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    await this.log.append(topic, records);
    this.lastMs = performance.now();
    for (const { key, value } of records) {
      const tally = this.stored[value === null ? 'deletion' : kindOf(key)];
      tally.records += 1;
      tally.bytes += key.length + (value?.byteLength ?? 0);
    }
  }
}

function kindOf(key: string): RollupKind {
  return isDelta(parseRollupKey(key)?.name ?? '') ? 'delta' : 'base';
}
