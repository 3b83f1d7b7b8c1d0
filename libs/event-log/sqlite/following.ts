import { EventLogError, type Following, type RecordHandler } from '../event-log.js';
import { asError } from '../as-error.js';
import { Bell } from '../bell.js';
import { Goals } from '../goals.js';
import type { Reading } from './feed.js';
import type { Topic } from './topic-tables.js';

/** Follows a whole topic, partition after partition. */
export class TopicFollowing implements Following {
  readonly caughtUp: Promise<void>;
  readonly failed: Promise<Error>;
  private readonly topic: Topic;
  private readonly handler: RecordHandler;
  private readonly reading: Reading;
  private readonly bell = new Bell();
  private readonly positions: number[];
  private readonly goals = new Goals<number>((partition) => this.positions[partition]);
  private readonly failure = Promise.withResolvers<Error>();
  private readonly running: Promise<void>;
  private stopping = false;

  /** Starts at once. `onEnd` is called when it is over, for whatever reason. */
  constructor(
    topic: Topic,
    from: 'beginning' | 'end',
    handler: RecordHandler,
    reading: Reading,
    onEnd: (following: TopicFollowing) => void,
  ) {
    this.topic = topic;
    this.handler = handler;
    this.reading = reading;
    this.failed = this.failure.promise;
    this.positions = from === 'end' ? this.ends() : topic.partitionIds.map(() => 0);
    this.caughtUp = this.catchUp();
    this.caughtUp.catch(() => {}); // Nobody has to wait for it.
    this.running = this.run().finally(() => onEnd(this));
  }

  async catchUp(): Promise<void> {
    if (this.goals.ended) throw this.goals.ended;
    const reached = this.goals.reach(this.ends().entries());
    this.bell.ring();
    return reached;
  }

  async close(): Promise<void> {
    this.stopping = true;
    this.bell.ring();
    await this.running;
  }

  private async run(): Promise<void> {
    const unwatch = this.reading.watcher.watch(this.topic.partitionIds, this.bell);
    try {
      while (!this.stopping) await this.pass();
      this.goals.end(new EventLogError(`following ${this.topic.name} was closed`));
    } catch (error) {
      const cause = asError(error);
      this.goals.end(cause);
      this.failure.resolve(cause);
    } finally {
      unwatch();
    }
  }

  private ends(): number[] {
    return this.topic.partitionIds.map((id) => this.reading.reader.endOf(id));
  }

  /** Takes one chunk of each partition that has news; sleeps if none has. */
  private async pass(): Promise<void> {
    const ends = this.ends();
    const news = [...ends.keys()].filter((partition) => this.positions[partition]! < ends[partition]!);
    for (const partition of news) await this.deliver(partition);
    this.goals.meet();
    if (news.length === 0) await this.bell.wait();
  }

  private async deliver(partition: number): Promise<void> {
    await this.reading.turns.next();
    if (this.stopping) return;
    const { records, next } = this.reading.reader.read(this.topic, partition, this.positions[partition]!);
    if (records.length > 0) await this.handler.records(partition, records);
    this.positions[partition] = next;
  }
}
