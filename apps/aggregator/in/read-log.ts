import type { EventLog, LogRecord } from '#libs/event-log';
import { FleetView } from '../core/fleet-view.js';
import type { LabelLimits } from '../core/series.js';
import { unpack } from '../out/packing.js';
import { sliced } from '../out/sliced.js';

/** Reads everything that is in a topic now, in order per partition. */
export async function readTopic(log: EventLog, topic: string, take: (record: LogRecord) => void): Promise<void> {
  const following = await log.follow(topic, 'beginning', {
    records: (_partition, records) => {
      for (const record of records) take(record);
    },
  });
  try {
    await following.caughtUp;
  } finally {
    await following.close();
  }
}

/** The fleet's state as it is published now. */
export async function readView(log: EventLog, rollups: string, limits: LabelLimits): Promise<FleetView> {
  const view = new FleetView(limits);
  await readTopic(log, rollups, ({ key, value, timestampMs }) => view.put(key, value && unpack(value), timestampMs));
  await sliced(view.restoring());
  return view;
}
