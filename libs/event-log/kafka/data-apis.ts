import type { Api } from './api.js';

export interface ProduceRequest {
  readonly topic: string;
  readonly timeoutMs: number;
  readonly batches: readonly { readonly partition: number; readonly batch: Uint8Array }[];
}

/** Resolves when all in-sync replicas have the records (acks=all). */
export const PRODUCE: Api<ProduceRequest, readonly { readonly partition: number; readonly code: number }[]> = {
  name: 'Produce',
  key: 0,
  version: 7,
  flexible: false,
  encode(to, { topic, timeoutMs, batches }) {
    to.string(null).int16(-1).int32(timeoutMs).int32(1).string(topic);
    to.array(batches, ({ partition, batch }) => to.int32(partition).bytesField(batch));
  },
  decode(from) {
    const topics = from.array(() => {
      from.string();
      return from.array(() => {
        const stored = { partition: from.int32(), code: from.int16() };
        for (let field = 0; field < 3; field += 1) from.int64();
        return stored;
      });
    });
    return topics.flat();
  },
};

export interface FetchRequest {
  readonly topicId: string;
  /** How long the broker may wait for the first record. */
  readonly maxWaitMs: number;
  readonly maxBytes: number;
  readonly maxPartitionBytes: number;
  readonly partitions: readonly { readonly partition: number; readonly offset: bigint }[];
}

export interface FetchedPartition {
  readonly partition: number;
  readonly code: number;
  /** The offset after the newest record. */
  readonly end: bigint;
  /** Whole record batches, and perhaps the beginning of one more. */
  readonly batches: Buffer;
}

export interface FetchAnswer {
  readonly code: number;
  readonly partitions: readonly FetchedPartition[];
}

/** Names the topic by its id, so that a topic that was deleted and created anew is never taken for the old one. */
export const FETCH: Api<FetchRequest, FetchAnswer> = {
  name: 'Fetch',
  key: 1,
  version: 13,
  flexible: true,
  encode(to, { topicId, maxWaitMs, maxBytes, maxPartitionBytes, partitions }) {
    to.int32(-1).int32(maxWaitMs).int32(1).int32(maxBytes).int8(0).int32(0).int32(-1);
    to.unsigned(2).raw(Buffer.from(topicId, 'hex'));
    to.compactArray(partitions, ({ partition, offset }) =>
      to.int32(partition).int32(-1).int64(offset).int32(-1).int64(-1n).int32(maxPartitionBytes).noTags(),
    );
    to.noTags().unsigned(1).compactString('').noTags();
  },
  decode(from) {
    from.int32();
    const code = from.int16();
    from.int32();
    const topics = from.compactArray(() => {
      from.uuid();
      const partitions = from.compactArray((): FetchedPartition => {
        const [partition, error, end] = [from.int32(), from.int16(), from.int64()];
        from.int64();
        from.int64();
        from.compactArray(() => [from.int64(), from.int64(), from.skipTags()]);
        from.int32();
        const batches = from.compactBytes();
        from.skipTags();
        return { partition, code: error, end, batches };
      });
      from.skipTags();
      return partitions;
    });
    return { code, partitions: topics.flat() };
  },
};
