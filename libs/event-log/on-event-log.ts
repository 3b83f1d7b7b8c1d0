import type { EventLog } from './event-log.js';
import { openEventLog, type EventLogAddress } from './open.js';

/** Something that runs until it is drained. */
export interface Drainable {
  drain(): Promise<void>;
}

/** Opens the log and starts an app on it, which sees to its topics itself: see `prepareTopics`. Draining the app closes the log; so does a start that fails. */
export async function onEventLog<App extends Drainable>(settings: EventLogAddress, start: (log: EventLog) => Promise<App>): Promise<App> {
  const log = await openEventLog(settings);
  try {
    const app = await start(log);
    return {
      ...app,
      drain: async () => {
        try {
          await app.drain();
        } finally {
          await log.close();
        }
      },
    };
  } catch (error) {
    await log.close();
    throw error;
  }
}
