import type { PartitionHandler } from '../event-log.js';
import { translated } from './failure.js';
import type { Reading } from './feed.js';
import { GroupMember } from './group-member.js';
import type { Balance } from './membership-tables.js';
import type { Presence } from './presence.js';
import type { Topic } from './topic-tables.js';
import type { WriterHost } from './writer-host.js';

/** How often the members of other processes are looked after, in ms. */
const REAP_EVERY_MS = 500;

/** The consumer groups, as far as this opening of the log takes part in them. Who owns what is settled in the database, for all processes on one file. */
export class Groups {
  private readonly writer: WriterHost;
  private readonly reading: Reading;
  /** Undefined for a database in memory, which no other process can share. */
  private readonly presence: Presence | undefined;
  private readonly members = new Map<string, GroupMember>();
  /** Members that have ended, but may still stand in the database. */
  private readonly departed = new Set<string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(writer: WriterHost, reading: Reading, presence: Presence | undefined) {
    this.writer = writer;
    this.reading = reading;
    this.presence = presence;
  }

  async join(topic: Topic, group: string, handler: PartitionHandler): Promise<GroupMember> {
    translated(() => this.presence?.announce());
    await this.reap();
    const member = new GroupMember(topic, handler, this, this.reading);
    await this.writer.call('join', [{ id: member.id, topicId: topic.id, group, process: this.presence?.id ?? '' }]);
    this.members.set(member.id, member);
    this.timer ??= setInterval(() => void this.tidy(), REAP_EVERY_MS).unref();
    member.start();
    this.changed();
    return member;
  }

  balance(memberId: string): Promise<Balance> {
    return this.writer.call('balance', [memberId]);
  }

  async release(memberId: string, partitions: readonly number[]): Promise<void> {
    await this.writer.call('release', [memberId, partitions]);
    this.changed();
  }

  /** Never rejects: what could not be removed now is removed later, at the latest when another process finds this one gone. */
  async leave(member: GroupMember): Promise<void> {
    this.members.delete(member.id);
    this.departed.add(member.id);
    await this.tidy();
  }

  /** To be called when members or owners may have changed. */
  changed(): void {
    for (const member of this.members.values()) member.groupChanged();
  }

  async close(): Promise<void> {
    await Promise.all([...this.members.values()].map((member) => member.close()));
    clearInterval(this.timer);
  }

  private async tidy(): Promise<void> {
    try {
      await this.reap();
      if (this.departed.size === 0) return;
      const gone = [...this.departed];
      await this.writer.call('leave', [gone]);
      for (const id of gone) this.departed.delete(id);
      this.changed();
    } catch {
      // The next round tries again.
    }
  }

  private async reap(): Promise<void> {
    const { presence } = this;
    if (!presence) return;
    const others = this.reading.reader.otherProcesses(presence.id);
    const dead = translated(() => others.filter((id) => !presence.isAlive(id)));
    if (dead.length > 0) await this.writer.call('reap', [dead]);
  }
}
