import type { Api } from './api.js';

interface InGroup {
  readonly group: string;
  readonly generation: number;
  readonly memberId: string;
}

export interface JoinRequest {
  readonly group: string;
  /** Empty at first: the broker then answers MEMBER_ID_REQUIRED, with an id to come back with. */
  readonly memberId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocol: string;
  readonly metadata: Uint8Array;
}

export interface JoinAnswer {
  readonly code: number;
  readonly generation: number;
  readonly leader: string;
  readonly memberId: string;
  /** Only the leader is told. */
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[];
}

export const JOIN_GROUP: Api<JoinRequest, JoinAnswer> = {
  name: 'JoinGroup',
  key: 11,
  version: 4,
  flexible: false,
  encode(to, { group, memberId, sessionTimeoutMs, rebalanceTimeoutMs, protocol, metadata }) {
    to.string(group).int32(sessionTimeoutMs).int32(rebalanceTimeoutMs).string(memberId).string('consumer');
    to.int32(1).string(protocol).bytesField(metadata);
  },
  decode(from) {
    from.int32();
    const [code, generation] = [from.int16(), from.int32()];
    from.nullableString();
    const [leader, memberId] = [from.string(), from.string()];
    return { code, generation, leader, memberId, members: from.array(() => ({ memberId: from.string(), metadata: from.bytesField() })) };
  },
};

export interface SyncRequest extends InGroup {
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[];
}

export const SYNC_GROUP: Api<SyncRequest, { readonly code: number; readonly assignment: Buffer }> = {
  name: 'SyncGroup',
  key: 14,
  version: 2,
  flexible: false,
  encode(to, { group, generation, memberId, assignments }) {
    to.string(group).int32(generation).string(memberId);
    to.array(assignments, (one) => to.string(one.memberId).bytesField(one.assignment));
  },
  decode(from) {
    from.int32();
    return { code: from.int16(), assignment: from.bytesField() };
  },
};

export const HEARTBEAT: Api<InGroup, { readonly code: number }> = {
  name: 'Heartbeat',
  key: 12,
  version: 2,
  flexible: false,
  encode: (to, { group, generation, memberId }) => void to.string(group).int32(generation).string(memberId),
  decode(from) {
    from.int32();
    return { code: from.int16() };
  },
};

export const LEAVE_GROUP: Api<{ readonly group: string; readonly memberId: string }, { readonly code: number }> = {
  name: 'LeaveGroup',
  key: 13,
  version: 2,
  flexible: false,
  encode: (to, { group, memberId }) => void to.string(group).string(memberId),
  decode(from) {
    from.int32();
    return { code: from.int16() };
  },
};

export interface CommitRequest extends InGroup {
  readonly topic: string;
  readonly offsets: readonly { readonly partition: number; readonly offset: bigint }[];
}

export const OFFSET_COMMIT: Api<CommitRequest, { readonly codes: readonly number[] }> = {
  name: 'OffsetCommit',
  key: 8,
  version: 5,
  flexible: false,
  encode(to, { group, generation, memberId, topic, offsets }) {
    to.string(group).int32(generation).string(memberId).int32(1).string(topic);
    to.array(offsets, ({ partition, offset }) => to.int32(partition).int64(offset).string(null));
  },
  decode(from) {
    from.int32();
    const topics = from.array(() => {
      from.string();
      return from.array(() => {
        from.int32();
        return from.int16();
      });
    });
    return { codes: topics.flat() };
  },
};
