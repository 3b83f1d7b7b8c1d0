import { EventLogError, type Following, type RecordHandler } from '../event-log.js';
import { Bell } from '../bell.js';
import type { Reading } from './feed.js';
import type { Topic } from './topic-tables.js';

/** Somebody waits until the offsets `ends` have been reached. */
interface Goal {
  readonly ends: readonly number[];
  readonly resolve: () => void;
  readonly reject: (cause: Error) => void;
}

/** Follows a whole topic, partition after partition. */
export class TopicFollowing implements Following {
  readonly caughtUp: Promise<void>;
  readonly failed: Promise<Error>;
  private readonly topic: Topic;
  private readonly handler: RecordHandler;
  private readonly reading: Reading;
  private readonly bell = new Bell();
  private readonly positions: number[];
  private goals: readonly Goal[] = [];
  private readonly failure = Promise.withResolvers<Error>();
  private readonly running: Promise<void>;
  private stopping = false;
  private ended: Error | undefined;

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
    if (this.ended) throw this.ended;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.goals = [...this.goals, { ends: this.ends(), resolve, reject }];
    this.bell.ring();
    return promise;
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
      this.end(new EventLogError(`following ${this.topic.name} was closed`));
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error));
      this.end(cause);
      this.failure.resolve(cause);
    } finally {
      unwatch();
    }
  }

  private end(cause: Error): void {
    this.ended = cause;
    for (const { reject } of this.goals) reject(cause);
    this.goals = [];
  }

  private ends(): number[] {
    return this.topic.partitionIds.map((id) => this.reading.reader.endOf(id));
  }

  private meetGoals(): void {
    if (this.goals.length === 0) return;
    const isMet = ({ ends }: Goal): boolean => ends.every((end, partition) => this.positions[partition]! >= end);
    for (const goal of this.goals) if (isMet(goal)) goal.resolve();
    this.goals = this.goals.filter((goal) => !isMet(goal));
  }

  /** Takes one chunk of each partition that has news; sleeps if none has. */
  private async pass(): Promise<void> {
    const ends = this.ends();
    const news = [...ends.keys()].filter((partition) => this.positions[partition]! < ends[partition]!);
    for (const partition of news) await this.deliver(partition);
    this.meetGoals();
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
