import { topicsOf } from '#libs/contracts';
import type { EventLog } from './event-log.js';
import { openEventLog } from './open.js';

/** Something that runs until it is drained. */
export interface Drainable {
  drain(): Promise<void>;
}

/** Opens the log, makes sure of its topics and starts an app on it. Draining the app closes the log; so does a start that fails. */
export async function onEventLog<App extends Drainable>(
  settings: { readonly url: string; readonly topicPrefix: string },
  start: (log: EventLog) => Promise<App>,
): Promise<App> {
  const log = await openEventLog(settings.url);
  try {
    await log.ensureTopics(Object.values(topicsOf(settings.topicPrefix)));
    const app = await start(log);
    return {
      ...app,
      drain: async () => {
        await app.drain();
        await log.close();
      },
    };
  } catch (error) {
    await log.close();
    throw error;
  }
}
