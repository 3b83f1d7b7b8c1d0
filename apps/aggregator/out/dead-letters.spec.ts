import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { topicsOf } from '#libs/contracts';
import { EventLogError, openEventLog, type EventLog, type LogRecord } from '#libs/event-log';
import { waitFor } from '../../../test/support/wait.js';
import { DeadLetters } from './dead-letters.js';

const { deadLetter } = topicsOf();
const POISON: LogRecord = { partition: 3, offset: 7n, key: 'k', value: Buffer.from('{'), timestampMs: 0 };

let log: EventLog;
let refusal: Error | undefined;
let tries: number;

beforeEach(async () => {
  log = await openEventLog('memory:');
  await log.ensureTopics([deadLetter]);
  const append = log.append.bind(log);
  [refusal, tries] = [undefined, 0];
  log.append = async (topic, records) => {
    tries += 1;
    if (refusal) throw refusal;
    await append(topic, records);
  };
});

afterEach(() => log.close());

describe('a dead letter', () => {
  it('is tried until it is stored, and only then is its record done with', async () => {
    refusal = new Error('away');
    let isDone = false;
    const put = new DeadLetters(log, deadLetter.name).put('t', POISON, 'not_json', 'why').then(() => (isDone = true));
    await waitFor('a second try', async () => tries >= 2);
    expect(isDone).toBe(false);
    refusal = undefined;
    await put;
    expect(tries).toBeGreaterThanOrEqual(3);
  });

  it('holds where the record stood and why, and no more than a kilobyte of it', async () => {
    const value = Buffer.alloc(900_000, 'secret ');
    await new DeadLetters(log, deadLetter.name).put('t', { ...POISON, value }, 'not_json', 'why');
    const letters: string[] = [];
    const following = await log.follow(deadLetter.name, 'beginning', {
      records: (_partition, records) => void letters.push(...records.map(({ value: letter }) => String(letter))),
    });
    await following.caughtUp;
    await following.close();
    expect(letters).toHaveLength(1);
    const { record_base64: kept, ...rest } = JSON.parse(letters[0]!) as Record<string, unknown>;
    expect(rest).toEqual({ topic: 't', partition: 3, offset: '7', reason: 'not_json', detail: 'why', size_bytes: 900_000 });
    expect(Buffer.from(String(kept), 'base64').equals(value.subarray(0, 1024))).toBe(true);
  });

  it('is given up when trying again is pointless, or nobody waits for it any more', async () => {
    refusal = new EventLogError('closed');
    const letters = new DeadLetters(log, deadLetter.name);
    await expect(letters.put('t', POISON, 'not_json', 'why')).rejects.toThrow('closed');
    refusal = new Error('away');
    letters.close();
    await expect(letters.put('t', POISON, 'not_json', 'why')).rejects.toThrow('away');
  });
});
