import type { EventLog, TopicSpec } from './event-log.js';
import type { TopicLogger } from './prepare-topics.js';

/** Makes topics again that were there, and are gone: a broker that has lost its disk comes back empty. */
export class TopicKeeper {
  private gone: readonly string[] = [];

  constructor(
    private readonly log: EventLog,
    private readonly topics: readonly TopicSpec[],
    private readonly logger: TopicLogger,
  ) {}

  /**
   * To be called every few seconds. What was missing at the last look as well is made again, and that is said: somebody who replaces a topic does so
   * between two looks. Never rejects; while the log is away nothing is known.
   */
  async look(): Promise<void> {
    try {
      const there = await this.log.topics(this.topics.map(({ name }) => name));
      const missing = this.topics.map(({ name }) => name).filter((wanted) => there.every(({ name }) => name !== wanted));
      const lost = missing.filter((name) => this.gone.includes(name));
      this.gone = missing;
      if (lost.length === 0) return;
      this.logger.warn(`the event log has lost ${lost.join(', ')} with all that was in them: they are made again, empty`);
      await this.log.ensureTopics(this.topics);
    } catch {
      // The next look finds out; what hinders it is said by those who read and write.
    }
  }
}
