import type { Api } from './api.js';

export interface BrokerNode {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

export interface TopicMetadata {
  readonly code: number;
  readonly name: string;
  /** Changes when the topic is deleted and created anew. */
  readonly id: string;
  readonly partitions: readonly PartitionMetadata[];
}

interface PartitionMetadata {
  readonly partition: number;
  /** -1 where there is none now. */
  readonly leader: number;
  /** Brokers that hold a copy of it, and those of them that have all of it. */
  readonly copies: number;
  readonly inSync: number;
}

interface MetadataAnswer {
  readonly nodes: readonly BrokerNode[];
  readonly controller: number;
  readonly topics: readonly TopicMetadata[];
}

const NO_ID = Buffer.alloc(16);

export const METADATA: Api<{ readonly topics: readonly string[] }, MetadataAnswer> = {
  name: 'Metadata',
  key: 3,
  version: 12,
  flexible: true,
  encode(to, { topics }) {
    to.compactArray(topics, (name) => to.raw(NO_ID).compactString(name).noTags());
    to.boolean(false).boolean(false).noTags();
  },
  decode(from) {
    from.int32();
    const nodes = from.compactArray(() => {
      const node = { id: from.int32(), host: from.compactString(), port: from.int32() };
      from.compactString();
      from.skipTags();
      return node;
    });
    from.compactString();
    const controller = from.int32();
    const topics = from.compactArray(() => {
      const topic = { code: from.int16(), name: from.compactString(), id: from.uuid() };
      from.boolean();
      const partitions = from.compactArray(() => {
        from.int16();
        const at = { partition: from.int32(), leader: from.int32() };
        from.int32();
        const [copies, inSync] = [from.compactArray(() => from.int32()), from.compactArray(() => from.int32())];
        from.compactArray(() => from.int32());
        from.skipTags();
        return { ...at, copies: copies.length, inSync: inSync.length };
      });
      from.int32();
      from.skipTags();
      return { ...topic, partitions };
    });
    return { nodes, controller, topics };
  },
};

/** Which versions of which requests a broker speaks, by their keys. It says so to everybody, before a login too. */
export const API_VERSIONS: Api<void, ReadonlyMap<number, { readonly min: number; readonly max: number }>> = {
  name: 'ApiVersions',
  key: 18,
  version: 2,
  flexible: false,
  encode() {},
  decode(from) {
    from.int16();
    const spoken = from.array((): [number, { min: number; max: number }] => [from.int16(), { min: from.int16(), max: from.int16() }]);
    return new Map(spoken);
  },
};

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly configs: readonly (readonly [string, string])[];
}

interface Outcome {
  readonly name: string;
  readonly code: number;
  readonly message: string | null;
}

export const CREATE_TOPICS: Api<{ readonly topics: readonly NewTopic[]; readonly timeoutMs: number }, readonly Outcome[]> = {
  name: 'CreateTopics',
  key: 19,
  version: 4,
  flexible: false,
  encode(to, { topics, timeoutMs }) {
    to.array(topics, ({ name, partitions, replicationFactor, configs }) => {
      to.string(name).int32(partitions).int16(replicationFactor).int32(0);
      to.array(configs, ([key, value]) => to.string(key).string(value));
    });
    to.int32(timeoutMs).boolean(false);
  },
  decode(from) {
    from.int32();
    return from.array(() => ({ name: from.string(), code: from.int16(), message: from.nullableString() }));
  },
};

interface TopicConfigs {
  readonly name: string;
  readonly code: number;
  readonly message: string | null;
  readonly configs: ReadonlyMap<string, string>;
}

const TOPIC_RESOURCE = 2;

export const DESCRIBE_CONFIGS: Api<{ readonly topics: readonly string[]; readonly keys: readonly string[] }, readonly TopicConfigs[]> = {
  name: 'DescribeConfigs',
  key: 32,
  version: 1,
  flexible: false,
  encode(to, { topics, keys }) {
    to.array(topics, (name) => {
      to.int8(TOPIC_RESOURCE).string(name);
      to.array(keys, (key) => to.string(key));
    });
    to.boolean(false);
  },
  decode(from) {
    from.int32();
    return from.array(() => {
      const [code, message] = [from.int16(), from.nullableString()];
      from.int8();
      const name = from.string();
      const configs = from.array((): [string, string] => {
        const entry: [string, string] = [from.string(), from.string()];
        from.boolean();
        from.int8();
        from.boolean();
        from.array(() => [from.string(), from.string(), from.int8()]);
        return entry;
      });
      return { name, code, message, configs: new Map(configs) };
    });
  },
};

export const EARLIEST = -2n;
export const LATEST = -1n;

interface OffsetsRequest {
  readonly topic: string;
  readonly partitions: readonly number[];
  /** EARLIEST, or LATEST: the offset after the newest record. */
  readonly at: bigint;
}

export const LIST_OFFSETS: Api<OffsetsRequest, readonly { partition: number; code: number; offset: bigint }[]> = {
  name: 'ListOffsets',
  key: 2,
  version: 2,
  flexible: false,
  encode(to, { topic, partitions, at }) {
    to.int32(-1).int8(0).int32(1).string(topic);
    to.array(partitions, (partition) => to.int32(partition).int64(at));
  },
  decode(from) {
    from.int32();
    const topics = from.array(() => {
      from.string();
      return from.array(() => {
        const found = { partition: from.int32(), code: from.int16() };
        from.int64();
        return { ...found, offset: from.int64() };
      });
    });
    return topics.flat();
  },
};

export const FIND_COORDINATOR: Api<{ readonly group: string }, { code: number; node: BrokerNode }> = {
  name: 'FindCoordinator',
  key: 10,
  version: 2,
  flexible: false,
  encode: (to, { group }) => void to.string(group).int8(0),
  decode(from) {
    from.int32();
    const code = from.int16();
    from.nullableString();
    return { code, node: { id: from.int32(), host: from.string(), port: from.int32() } };
  },
};
