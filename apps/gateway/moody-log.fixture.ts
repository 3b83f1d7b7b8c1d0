import { EventLogOpenError, type EventLog, type OutgoingRecord } from '#libs/event-log';

/** `stores, then fails` loses every answer; `hangs` gives none until the mood changes, and then stores nothing. */
export type Mood = 'there' | 'fails' | 'hangs' | 'stores, then fails' | 'wrong password';

/** Stands before a log, and lets a test decide whether it can be reached. */
export class MoodyLog {
  private current: Mood;
  private changed = Promise.withResolvers<void>();

  constructor(mood: Mood) {
    this.current = mood;
  }

  set mood(mood: Mood) {
    this.current = mood;
    this.changed.resolve();
    this.changed = Promise.withResolvers();
  }

  readonly wrap = (log: EventLog): EventLog =>
    Object.assign(Object.create(log) as EventLog, {
      ensureTopics: async (...args: Parameters<EventLog['ensureTopics']>) => this.pass(() => log.ensureTopics(...args)),
      partitions: async (topic: string) => this.pass(() => log.partitions(topic)),
      append: async (topic: string, records: readonly OutgoingRecord[]) => this.pass(() => log.append(topic, records)),
      connected: () => this.current === 'there',
    });

  private async pass<T>(work: () => Promise<T>): Promise<T> {
    const { current: mood } = this;
    if (mood === 'wrong password') throw new EventLogOpenError('the brokers refuse the password');
    if (mood === 'hangs') await this.changed.promise;
    if (mood === 'fails' || mood === 'hangs') throw new Error('no broker can be reached');
    const result = await work();
    if (mood === 'stores, then fails') throw new Error('the answer was lost');
    return result;
  }
}
