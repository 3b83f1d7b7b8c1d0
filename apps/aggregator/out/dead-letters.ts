import { setTimeout as wait } from 'node:timers/promises';
import type { DeadLetter, DecodeReason } from '#libs/contracts';
import { EventLogError, type EventLog, type LogRecord } from '#libs/event-log';

/** At most this much of a record that could not be decoded is kept. */
const KEPT_BYTES = 1024;
const RETRY_MS = 500;

/** Puts records that could not be decoded aside, with where they stood and why. */
export class DeadLetters {
  /** Letters stored since the start, by reason. */
  readonly stored = new Map<DecodeReason, number>();
  private closed = false;

  constructor(
    private readonly log: EventLog,
    private readonly topic: string,
  ) {}

  /** Resolves when the letter is stored: only then may the offset move past the record. Tries until it is, or the log is closed. */
  async put(topic: string, record: LogRecord, reason: DecodeReason, detail: string): Promise<void> {
    const letter: DeadLetter = {
      topic,
      partition: record.partition,
      offset: String(record.offset),
      reason,
      detail,
      size_bytes: record.value?.byteLength ?? 0,
      record_base64: Buffer.from(record.value?.subarray(0, KEPT_BYTES) ?? []).toString('base64'),
    };
    const key = `${topic}/${record.partition}/${record.offset}`;
    while (!(await this.store({ partition: 0, key, value: Buffer.from(JSON.stringify(letter)) }))) await wait(RETRY_MS);
    this.stored.set(reason, (this.stored.get(reason) ?? 0) + 1);
  }

  /** Ends the waiting: a letter that cannot be stored now rejects, and its record is read again after the restart. */
  close(): void {
    this.closed = true;
  }

  private async store(letter: { partition: number; key: string; value: Buffer }): Promise<boolean> {
    try {
      await this.log.append(this.topic, [letter]);
      return true;
    } catch (error) {
      if (this.closed || error instanceof EventLogError) throw error;
      return false;
    }
  }
}
