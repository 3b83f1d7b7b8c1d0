import { openEventLog, type EventLog, type EventLogAddress } from '#libs/event-log';

/** A gateway, or else an aggregator, speaks once a second. */
const PATIENCE_MS = 2_500;

/**
 * The brokers' clock less this one, in ms, by a record that is appended while it is looked: it comes within milliseconds of its stamp.
 * Undefined where none is, or where there is no such topic. Reads without a group, and changes nothing. Rejects if the brokers cannot be reached.
 */
export async function brokerAhead(address: EventLogAddress, topic: string): Promise<number | undefined> {
  const log = await openEventLog(address);
  try {
    const [stored] = await log.topics([topic]);
    return stored?.clock === 'log' ? await firstStamp(log, topic) : undefined;
  } finally {
    await log.close();
  }
}

async function firstStamp(log: EventLog, topic: string): Promise<number | undefined> {
  const seen = Promise.withResolvers<number | undefined>();
  const following = await log.follow(topic, 'end', { records: (_, records) => seen.resolve(records.at(-1)!.timestampMs - Date.now()) });
  const timer = setTimeout(() => seen.resolve(undefined), PATIENCE_MS);
  try {
    return await seen.promise;
  } finally {
    clearTimeout(timer);
    await following.close();
  }
}
