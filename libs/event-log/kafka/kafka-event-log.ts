import {
  EventLog,
  EventLogError,
  type Consumption,
  type Following,
  type OutgoingRecord,
  type PartitionHandler,
  type RecordHandler,
  type StoredTopic,
  type TopicSpec,
} from '../event-log.js';
import { Turns } from '../turns.js';
import { TopicAppender } from './appender.js';
import { Cluster, type ClusterOptions } from './cluster.js';
import { TopicFollowing } from './following.js';
import { GroupMember } from './group-member.js';
import { ensureTopics, storedTopics, type TopicCreation } from './topics.js';

export interface KafkaOptions extends Omit<ClusterOptions, 'metadataMaxAgeMs'> {
  /** Partitions that were added are found within this time. */
  readonly metadataMaxAgeMs?: number;
  /** Copies of each partition of topics that are created; -1 leaves it to the cluster. */
  readonly replicationFactor?: number;
  /** Settings of topics that are created, over ours. */
  readonly topicConfigs?: Readonly<Record<string, string>>;
}

const METADATA_MAX_AGE_MS = 10_000;
/** What a broker has not answered by then is no longer waited for at the close. */
const CLOSE_PATIENCE_MS = 1_000;

/** The log on a Kafka cluster, from Kafka 3.1 on. Opening it connects to nobody: that is done when it is needed. */
export class KafkaEventLog extends EventLog {
  private readonly cluster: Cluster;
  private readonly lookEveryMs: number;
  private readonly creation: TopicCreation;
  private readonly turns = new Turns();
  private readonly appenders = new Map<string, TopicAppender>();
  private readonly members = new Set<GroupMember>();
  private readonly followings = new Set<TopicFollowing>();
  private readonly starting = new Set<Promise<unknown>>();
  private lanes = 0;
  private state: 'open' | 'closing' | 'closed' = 'open';
  private closed: Promise<void> | undefined;

  constructor({ metadataMaxAgeMs = METADATA_MAX_AGE_MS, replicationFactor = -1, topicConfigs = {}, ...options }: KafkaOptions) {
    super();
    this.cluster = new Cluster({ ...options, metadataMaxAgeMs });
    this.lookEveryMs = metadataMaxAgeMs;
    this.creation = { replicationFactor, configs: topicConfigs };
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    this.refuseUnlessOpen();
    await ensureTopics(this.cluster, topics, this.creation);
  }

  async topics(names: readonly string[]): Promise<readonly StoredTopic[]> {
    this.refuseUnlessOpen();
    return storedTopics(this.cluster, names);
  }

  async partitions(topic: string): Promise<number> {
    this.refuseIfClosed();
    return (await this.cluster.topic(topic)).leaders.length;
  }

  async append(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    this.refuseIfClosed();
    const appender = this.appenders.get(topic) ?? new TopicAppender(this.cluster, topic);
    this.appenders.set(topic, appender);
    await appender.append(records);
  }

  async consume(topic: string, group: string, handler: PartitionHandler): Promise<Consumption> {
    this.refuseUnlessOpen();
    this.lanes += 1;
    const parts = {
      cluster: this.cluster,
      topic,
      // A group of Kafka's shares several topics; ours share one each. The topic's name, first, brings its prefix.
      group: `${topic}.${group}`,
      handler,
      turns: this.turns,
      fetchLane: `fetch-${this.lanes}`,
      lanes: { join: `group-${this.lanes}`, beat: `beat-${this.lanes}` },
      onEnd: (member: GroupMember) => void this.members.delete(member),
    } as const;
    return this.started(
      GroupMember.join(parts).then((member) => {
        this.members.add(member);
        return member;
      }),
    );
  }

  async follow(topic: string, from: 'beginning' | 'end', handler: RecordHandler): Promise<Following> {
    this.refuseUnlessOpen();
    this.lanes += 1;
    const parts = {
      cluster: this.cluster,
      topic,
      handler,
      turns: this.turns,
      lane: `fetch-${this.lanes}`,
      lookEveryMs: this.lookEveryMs,
      onEnd: (following: TopicFollowing) => void this.followings.delete(following),
    } as const;
    return this.started(
      TopicFollowing.start(parts, from).then((following) => {
        this.followings.add(following);
        return following;
      }),
    );
  }

  connected(): boolean {
    return this.state === 'open' && this.cluster.reachable;
  }

  close(): Promise<void> {
    this.closed ??= this.shutDown();
    return this.closed;
  }

  /** Handlers may append until the last of them has ended. */
  private async shutDown(): Promise<void> {
    this.state = 'closing';
    const impatience = setInterval(() => this.cluster.interrupt(), CLOSE_PATIENCE_MS);
    await Promise.allSettled(this.starting);
    await Promise.all([...this.members, ...this.followings].map((reader) => reader.close()));
    clearInterval(impatience);
    this.state = 'closed';
    await Promise.all([...this.appenders.values()].map((appender) => appender.idle()));
    this.cluster.close();
  }

  private async started<T>(starting: Promise<T>): Promise<T> {
    this.starting.add(starting);
    try {
      return await starting;
    } finally {
      this.starting.delete(starting);
    }
  }

  private refuseUnlessOpen(): void {
    if (this.state !== 'open') throw new EventLogError('the event log is closed');
  }

  private refuseIfClosed(): void {
    if (this.state === 'closed') throw new EventLogError('the event log is closed');
  }
}
