import type { EventLog, LogRecord } from '#libs/event-log';

/** Everything that the topic holds now, partition by partition in order. */
export async function readTopic(log: EventLog, topic: string): Promise<readonly LogRecord[]> {
  const byPartition = new Map<number, LogRecord[]>();
  const following = await log.follow(topic, 'beginning', {
    records: (partition, records) => {
      const all = byPartition.get(partition) ?? [];
      byPartition.set(partition, all);
      all.push(...records);
    },
  });
  await following.caughtUp;
  await following.close();
  return [...byPartition.values()].flat();
}
