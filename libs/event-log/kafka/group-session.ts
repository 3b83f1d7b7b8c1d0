import { ByteReader, ByteWriter } from './bytes.js';
import { type Cluster, type Lane, REQUEST_TIMEOUT_MS } from './cluster.js';
import type { BrokerNode } from './cluster-apis.js';
import { CODE, errorOfCode } from './errors.js';
import { HEARTBEAT, JOIN_GROUP, type JoinAnswer, LEAVE_GROUP, OFFSET_COMMIT, SYNC_GROUP } from './group-apis.js';
import type { Api } from './api.js';
import { type Claim, shareOut } from './sharing.js';

/** A member that is not heard of for this long is no longer one; and so it thinks itself. Short enough for another to be at work within ten seconds. */
export const SESSION_MS = 8_000;
/** How long the others wait for a member to come back to a rebalance. Not shorter than the session, or a silent member would be replaced unawares. */
const REBALANCE_MS = 10_000;
/** A coordinator that does not take a good-bye at once misses the member later. */
const LEAVE_TIMEOUT_MS = 1_000;
const PROTOCOL = 'inferometer-sticky-1';

/** What a member is given. */
export interface Assignment {
  readonly partitions: readonly number[];
  /** How many partitions the topic had when they were shared out. */
  readonly of: number;
  /** Another round is to come soon. */
  readonly unfinished: boolean;
}

/** What a heartbeat finds: all is well; the group rebalances and the member has to join again; or neither, for it does so just now. */
export type Pulse = 'settled' | 'rebalancing' | 'unclear';

export interface SessionParts {
  readonly cluster: Cluster;
  readonly topic: string;
  readonly group: string;
  /** For joining, which waits for the others, and for the heartbeats meanwhile. */
  readonly lanes: { readonly join: Lane; readonly beat: Lane };
}

/** One member's talk with its group's coordinator (kafka.apache.org/protocol: the classic group protocol). Calls reject when the coordinator is away. */
export class GroupSession {
  /** Looked for anew after every failure. */
  private coordinator: BrokerNode | undefined;
  private lastCoordinator: BrokerNode | undefined;
  private memberId = '';
  private generation = -1;
  private syncedAtMs = -Infinity;
  private joining = false;

  constructor(private readonly parts: SessionParts) {}

  /** When the share of `join` was asked for, by the monotonic clock. */
  get sinceMs(): number {
    return this.syncedAtMs;
  }

  /** Joins, or comes back for another round, and resolves with the share. It waits for the others to come back. */
  async join(claim: { readonly owned: readonly number[] }): Promise<Assignment> {
    this.joining = true;
    try {
      return await this.joinUntilShared(claim);
    } finally {
      this.joining = false;
    }
  }

  private async joinUntilShared(claim: { readonly owned: readonly number[] }): Promise<Assignment> {
    for (;;) {
      const metadata = packSubscription(this.parts.topic, { owned: claim.owned, generation: this.generation });
      const joined = await this.ask(this.parts.lanes.join, JOIN_GROUP, {
        group: this.parts.group,
        memberId: this.memberId,
        sessionTimeoutMs: SESSION_MS,
        rebalanceTimeoutMs: REBALANCE_MS,
        protocol: PROTOCOL,
        metadata,
      });
      if (joined.code === CODE.memberIdRequired) {
        this.memberId = joined.memberId;
        continue;
      }
      this.refuse(joined.code, 'joining');
      this.memberId = joined.memberId;
      const assignment = await this.sync(joined);
      if (assignment) return assignment;
    }
  }

  /** Rejects with LostMembership if the group has given the member up. */
  async heartbeat(): Promise<Pulse> {
    const identity = this.identity();
    if (identity.generation < 0) return 'unclear';
    const { code } = await this.ask(this.parts.lanes.beat, HEARTBEAT, identity);
    if (code === CODE.rebalanceInProgress) return 'rebalancing';
    // A round that ends just now has left this heartbeat's generation behind: the answer to `join` tells more.
    const isOutdated = this.joining || identity.generation !== this.generation || identity.memberId !== this.memberId;
    if (code !== CODE.none && isOutdated) return 'unclear';
    this.refuse(code, 'the heartbeat');
    return 'settled';
  }

  /** Tells the group how far it is, for those who look at its lag: nothing here reads it. */
  async commit(offsets: readonly { readonly partition: number; readonly offset: bigint }[]): Promise<void> {
    await this.ask(this.parts.lanes.beat, OFFSET_COMMIT, { ...this.identity(), topic: this.parts.topic, offsets });
  }

  /** Never rejects: a member that cannot say good-bye is missed after the session's time. */
  async leave(): Promise<void> {
    const { memberId, lastCoordinator } = this;
    if (memberId === '' || !lastCoordinator) return;
    this.forget();
    const request = { group: this.parts.group, memberId };
    await this.parts.cluster.requestAt(lastCoordinator, this.parts.lanes.beat, LEAVE_GROUP, request, LEAVE_TIMEOUT_MS).catch(() => {});
  }

  /** Comes back as a new member the next time. */
  forget(): void {
    this.memberId = '';
    this.generation = -1;
  }

  /** Ends what is under way. */
  interrupt(): void {
    this.parts.cluster.closeLane(this.parts.lanes.join);
  }

  close(): void {
    this.interrupt();
    this.parts.cluster.closeLane(this.parts.lanes.beat);
  }

  /** Undefined if the group began anew meanwhile. */
  private async sync({ generation, leader, memberId, members }: JoinAnswer): Promise<Assignment | undefined> {
    const assignments = leader === memberId ? await this.shareOut(members) : [];
    const request = { group: this.parts.group, generation, memberId, assignments };
    this.syncedAtMs = performance.now();
    const { code, assignment } = await this.ask(this.parts.lanes.join, SYNC_GROUP, request, REBALANCE_MS + REQUEST_TIMEOUT_MS);
    if (code === CODE.rebalanceInProgress) return undefined;
    this.refuse(code, 'synchronising');
    this.generation = generation;
    return unpackAssignment(assignment);
  }

  private async shareOut(members: JoinAnswer['members']): Promise<{ memberId: string; assignment: Uint8Array }[]> {
    const { leaders } = await this.parts.cluster.topic(this.parts.topic, 0);
    const claims = members.map(({ memberId, metadata }): Claim => ({ memberId, ...unpackSubscription(metadata) }));
    const shares = shareOut(claims, leaders.length);
    return [...shares.of].map(([memberId, partitions]) => {
      const { unfinished } = shares;
      return { memberId, assignment: packAssignment(this.parts.topic, { partitions, of: leaders.length, unfinished }) };
    });
  }

  private identity(): { group: string; generation: number; memberId: string } {
    return { group: this.parts.group, generation: this.generation, memberId: this.memberId };
  }

  private refuse(code: number, what: string): void {
    if (code === CODE.none) return;
    if (code === CODE.unknownMember || code === CODE.illegalGeneration) throw new LostMembership();
    if (code === CODE.notCoordinator || code === CODE.coordinatorNotAvailable) this.coordinator = undefined;
    throw errorOfCode(code, `${what} group ${this.parts.group}`);
  }

  private async ask<Request, Answer>(
    lane: Lane,
    api: Api<Request, Answer>,
    request: Request,
    timeoutMs = api.name === JOIN_GROUP.name ? REBALANCE_MS + SESSION_MS : REQUEST_TIMEOUT_MS,
  ): Promise<Answer> {
    const { cluster, group } = this.parts;
    this.coordinator ??= await cluster.coordinator(group, lane);
    this.lastCoordinator = this.coordinator;
    try {
      return await cluster.requestAt(this.coordinator, lane, api, request, timeoutMs);
    } catch (error) {
      this.coordinator = undefined;
      throw error;
    }
  }
}

/** The coordinator does not know this member any more: its partitions may be another's. */
export class LostMembership extends Error {
  constructor() {
    super('the group has given this member up');
    this.name = 'LostMembership';
  }
}

/** Kafka's own layout of a subscription, so that its tools can show the group; what is ours is in the user data. */
function packSubscription(topic: string, ours: Omit<Claim, 'memberId'>): Uint8Array {
  const to = new ByteWriter().int16(0);
  to.array([topic], (name) => to.string(name));
  return to.bytesField(Buffer.from(JSON.stringify(ours))).bytes;
}

function unpackSubscription(metadata: Buffer): Omit<Claim, 'memberId'> {
  const from = new ByteReader(metadata);
  from.int16();
  from.array(() => from.string());
  return JSON.parse(from.bytesField().toString()) as Omit<Claim, 'memberId'>;
}

function packAssignment(topic: string, { partitions, of, unfinished }: Assignment): Uint8Array {
  const to = new ByteWriter().int16(0);
  to.array([topic], (name) => {
    to.string(name).array(partitions, (partition) => to.int32(partition));
  });
  return to.bytesField(Buffer.from(JSON.stringify({ of, unfinished }))).bytes;
}

function unpackAssignment(assignment: Buffer): Assignment {
  if (assignment.length === 0) return { partitions: [], of: 0, unfinished: false };
  const from = new ByteReader(assignment);
  from.int16();
  const partitions = from.array(() => {
    from.string();
    return from.array(() => from.int32());
  });
  const ours = JSON.parse(from.bytesField().toString()) as Omit<Assignment, 'partitions'>;
  return { partitions: partitions.flat(), ...ours };
}
