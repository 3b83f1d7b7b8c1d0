import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { EventLogError } from '../event-log.js';
import { shareOf } from './sharing.js';

export interface NewMember {
  readonly id: string;
  readonly topicId: number;
  readonly group: string;
  readonly process: string;
}

/** The outcome of one step towards an even share: `owned` are the member's, `excess` are too, but it must release them once it is done with them. */
export interface Balance {
  readonly owned: readonly number[];
  readonly excess: readonly number[];
}

/** Who is in which consumer group and owns what. Every method is called inside a transaction. */
export class MembershipTables {
  private readonly insertMember: StatementSync;
  private readonly findMember: StatementSync;
  private readonly membersOf: StatementSync;
  private readonly ownersOf: StatementSync;
  private readonly insertOwner: StatementSync;
  private readonly deleteOwner: StatementSync;
  private readonly deleteOwners: StatementSync;
  private readonly deleteMember: StatementSync;
  private readonly membersOfProcess: StatementSync;
  private readonly grow: StatementSync;

  constructor(db: DatabaseSync) {
    this.insertMember = db.prepare('INSERT INTO members (id, topic_id, group_name, process) VALUES (?, ?, ?, ?)');
    this.findMember = db.prepare('SELECT topic_id, group_name FROM members WHERE id = ?');
    this.membersOf = db.prepare('SELECT id FROM members WHERE topic_id = ? AND group_name = ? ORDER BY rank');
    this.ownersOf = db.prepare(`SELECT p.number, o.member_id FROM partitions p
      LEFT JOIN owners o ON o.topic_id = p.topic_id AND o.partition = p.number AND o.group_name = ?
      WHERE p.topic_id = ? ORDER BY p.number`);
    this.insertOwner = db.prepare('INSERT INTO owners (topic_id, group_name, partition, member_id) VALUES (?, ?, ?, ?)');
    this.deleteOwner = db.prepare('DELETE FROM owners WHERE member_id = ? AND partition = ?');
    this.deleteOwners = db.prepare('DELETE FROM owners WHERE member_id = ?');
    this.deleteMember = db.prepare('DELETE FROM members WHERE id = ?');
    this.membersOfProcess = db.prepare('SELECT id FROM members WHERE process = ?');
    this.grow = db.prepare('UPDATE membership SET version = version + 1');
  }

  join({ id, topicId, group, process }: NewMember): void {
    this.insertMember.run(id, topicId, group, process);
    this.grow.run();
  }

  /** Takes free partitions up to the member's quota. Throws EventLogError if the member is not known (any more). */
  balance(memberId: string): Balance {
    const member = this.findMember.get(memberId);
    if (member === undefined) throw new EventLogError('this member was removed from its group');
    const { topic_id: topicId, group_name: group } = member as { topic_id: number; group_name: string };
    const members = this.membersOf.all(topicId, group).map(({ id }) => id as string);
    const owners = this.ownersOf.all(group, topicId).map((row) => (row['member_id'] as string | null) ?? undefined);
    const { keep, claim, excess } = shareOf(memberId, members, owners);
    for (const partition of claim) this.insertOwner.run(topicId, group, partition, memberId);
    return { owned: [...keep, ...claim], excess };
  }

  release(memberId: string, partitions: readonly number[]): void {
    for (const partition of partitions) this.deleteOwner.run(memberId, partition);
    this.grow.run();
  }

  /** Members that are gone already do no harm. */
  leave(memberIds: readonly string[]): void {
    for (const id of memberIds) {
      this.deleteOwners.run(id);
      this.deleteMember.run(id);
    }
    this.grow.run();
  }

  reap(processes: readonly string[]): void {
    this.leave(processes.flatMap((process) => this.membersOfProcess.all(process).map(({ id }) => id as string)));
  }
}
