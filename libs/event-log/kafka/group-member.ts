import { asError } from '../as-error.js';
import { Bell } from '../bell.js';
import type { Consumption, PartitionHandler, Position } from '../event-log.js';
import { Feeds } from '../feeds.js';
import type { Turns } from '../turns.js';
import { Backoff, patiently } from './backoff.js';
import { Feed } from './feed.js';
import { Fetcher } from './fetcher.js';
import { type Assignment, GroupSession, LostMembership, SESSION_MS, type SessionParts } from './group-session.js';
import type { Lane } from './cluster.js';
import { LATEST } from './cluster-apis.js';

/** Heartbeats are sent by a timer, whatever the handlers do; quicker while partitions are on their way to another member. */
const BEAT_MS = 1_000;
const QUICK_BEAT_MS = 200;
const COMMIT_EVERY_MS = 5_000;

export interface MemberParts extends SessionParts {
  readonly handler: PartitionHandler;
  readonly turns: Turns;
  readonly fetchLane: Lane;
  /** Called when it is over, for whatever reason. */
  readonly onEnd: (member: GroupMember) => void;
}

/**
 * One member of a consumer group. It keeps its partitions while the group rebalances, lets go of those that another one is to have, and only then comes
 * back for the next round (see sharing.ts). It thinks itself out of the group when it could not be heard of for the session's time.
 */
export class GroupMember implements Consumption {
  readonly failed: Promise<Error>;
  private readonly bell = new Bell();
  private readonly session: GroupSession;
  private readonly fetcher: Fetcher;
  private readonly feeds: Feeds<Feed>;
  private readonly failure = Promise.withResolvers<Error>();
  private running: Promise<void> | undefined;
  private beating: NodeJS.Timeout | undefined;
  private beat: Promise<void> = Promise.resolve();
  private looking: Promise<void> | undefined;
  private state: 'joining' | 'member' | 'lost' = 'joining';
  private memberUntilMs = -Infinity;
  private joiningSinceMs = Infinity;
  private partitions = 0;
  private beatMs = BEAT_MS;
  private commitAtMs = 0;
  private committed = '';
  private stopping = false;

  private constructor(private readonly parts: MemberParts) {
    this.failed = this.failure.promise;
    this.session = new GroupSession(parts);
    const fail = (cause: unknown): void => this.fail(cause);
    this.fetcher = new Fetcher(parts.cluster, parts.topic, parts.fetchLane, fail);
    const isMember = (): boolean => this.isMember();
    const feedParts = { ...parts, fetcher: this.fetcher, isMember, onFailure: fail };
    this.feeds = new Feeds((partition) => new Feed(feedParts, partition), fail);
  }

  /** Resolves when it has joined. Rejects if the topic does not exist, or the brokers cannot be reached now. */
  static async join(parts: MemberParts): Promise<GroupMember> {
    await parts.cluster.topic(parts.topic, 0);
    const member = new GroupMember(parts);
    try {
      await patiently(() => member.round());
    } catch (error) {
      await member.end();
      throw error;
    }
    member.running = member.run();
    return member;
  }

  async positions(): Promise<readonly Position[]> {
    return this.feeds
      .all()
      .flatMap(({ position }) => position ?? [])
      .toSorted((a, b) => a.partition - b.partition);
  }

  async close(): Promise<void> {
    this.stopping = true;
    this.session.interrupt();
    this.bell.ring();
    await this.running;
  }

  private async run(): Promise<void> {
    const backoff = new Backoff();
    while (!this.stopping) {
      try {
        if (this.state === 'lost') await this.dropAll();
        if (this.state === 'joining') await this.round();
        backoff.succeeded();
        if (this.state === 'member' && !this.stopping) await this.bell.wait();
      } catch (error) {
        if (error instanceof LostMembership) this.state = 'lost';
        else if (!this.stopping) await this.bell.wait(backoff.take());
      }
    }
    await this.end();
  }

  private async end(): Promise<void> {
    this.stopping = true;
    await this.feeds.stop(this.feeds.partitions); // Heartbeats go on meanwhile.
    clearTimeout(this.beating);
    const fetched = this.fetcher.close();
    await this.session.leave();
    this.session.close();
    await Promise.all([this.beat, fetched]);
    this.parts.onEnd(this);
  }

  /** One round of the group: what is newly ours is read, what is not ours any more is let go of. */
  private async round(): Promise<void> {
    const { partitions, of, unfinished } = await this.joined();
    this.state = 'member';
    this.memberUntilMs = Math.max(this.memberUntilMs, this.session.sinceMs + SESSION_MS);
    this.partitions = of;
    this.beatMs = unfinished ? QUICK_BEAT_MS : BEAT_MS;
    this.beatLater();
    const lost = this.feeds.partitions.filter((partition) => !partitions.includes(partition));
    if (!this.stopping) for (const partition of partitions) this.feeds.start(partition);
    await this.feeds.stop(lost);
    if (lost.length > 0) this.rejoin();
  }

  private async joined(): Promise<Assignment> {
    this.joiningSinceMs = performance.now();
    try {
      return await this.session.join({ owned: this.feeds.partitions });
    } finally {
      this.joiningSinceMs = Infinity;
    }
  }

  private rejoin(): void {
    if (this.state === 'member') this.state = 'joining';
    this.bell.ring();
  }

  private lose(): void {
    if (this.state === 'lost') return;
    this.state = 'lost';
    this.session.interrupt();
    this.bell.ring();
  }

  private async dropAll(): Promise<void> {
    await this.feeds.stop(this.feeds.partitions);
    this.session.forget();
    this.state = 'joining';
  }

  /** By the monotonic clock, which goes on while the process is stopped: after SIGCONT nothing is handed over before this was asked. */
  private isMember(): boolean {
    if (performance.now() < this.memberUntilMs) return true;
    if (this.feeds.partitions.length > 0 && !this.stopping) this.lose();
    return false;
  }

  private beatLater(): void {
    clearTimeout(this.beating);
    if (this.stopping && this.feeds.partitions.length === 0) return;
    this.beating = setTimeout(() => {
      this.beat = this.beatOnce().finally(() => this.beatLater());
    }, this.beatMs);
  }

  /** Never rejects. */
  private async beatOnce(): Promise<void> {
    if (this.state === 'lost') return;
    const sentMs = performance.now();
    try {
      const pulse = await this.session.heartbeat();
      // While the group waits for us, being known is not enough: whoever does not come back in time is given up. Having asked to join is.
      const isKnown = pulse === 'settled' || (pulse === 'rebalancing' && this.joiningSinceMs < sentMs - BEAT_MS);
      if (isKnown) this.memberUntilMs = Math.max(this.memberUntilMs, sentMs + SESSION_MS);
      if (pulse === 'rebalancing') this.rejoin();
      this.lookAround();
    } catch (error) {
      if (error instanceof LostMembership) this.lose();
      else this.isMember();
    }
  }

  /** Beside the heartbeats, not between them: it asks other brokers than theirs, which may be silent for longer than a session. */
  private lookAround(): void {
    this.looking ??= this.look()
      .catch(() => {}) // Next time, then.
      .finally(() => {
        this.looking = undefined;
      });
  }

  /** Partitions that were added make another round; now and then the group is told how far we are. */
  private async look(): Promise<void> {
    const { leaders } = await this.parts.cluster.topic(this.parts.topic);
    if (leaders.length !== this.partitions) this.rejoin();
    await this.lookForEnds();
    await this.commit();
  }

  private async lookForEnds(): Promise<void> {
    const { cluster, topic } = this.parts;
    const partitions = this.feeds.all().flatMap(({ partitionOfOldEnd }) => partitionOfOldEnd ?? []);
    if (partitions.length === 0) return;
    for (const [partition, end] of await cluster.offsets(topic, partitions, LATEST)) this.feeds.of(partition)?.noteEnd(end);
  }

  private async commit(): Promise<void> {
    if (this.stopping || this.state !== 'member' || performance.now() < this.commitAtMs) return;
    this.commitAtMs = performance.now() + COMMIT_EVERY_MS;
    const offsets = (await this.positions()).map(({ partition, next }) => ({ partition, offset: next }));
    const text = offsets.map(({ partition, offset }) => `${partition}:${offset}`).join();
    if (offsets.length === 0 || text === this.committed) return;
    await this.session.commit(offsets);
    this.committed = text;
  }

  private fail(cause: unknown): void {
    this.stopping = true;
    this.failure.resolve(asError(cause));
    this.session.interrupt();
    this.bell.ring();
  }
}
