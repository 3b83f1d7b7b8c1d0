import { setTimeout as sleep } from 'node:timers/promises';
import { EventLogOpenError, type StoredTopic, type TopicSpec } from '../event-log.js';
import type { Cluster } from './cluster.js';
import { CREATE_TOPICS, DESCRIBE_CONFIGS, type NewTopic, type TopicMetadata } from './cluster-apis.js';
import { CODE, errorOfCode } from './errors.js';

const CREATE_TIMEOUT_MS = 10_000;
const VISIBLE_TIMEOUT_MS = 10_000;
const POLICY = 'cleanup.policy';
const TIMESTAMPS = 'message.timestamp.type';
const LOG_CLOCK = 'LogAppendTime';
const RETENTION_MS = 'retention.ms';
const RETENTION_BYTES = 'retention.bytes';

/** How missing topics are created. */
export interface TopicCreation {
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}

/** Those of the topics that exist, as the brokers describe them. */
export async function storedTopics(cluster: Cluster, names: readonly string[]): Promise<readonly StoredTopic[]> {
  const found = await cluster.describe(names);
  const failed = found.find(({ code }) => code !== CODE.none && code !== CODE.unknownTopic);
  if (failed) throw errorOfCode(failed.code, `looking for topic ${failed.name}`);
  const existing = found.filter(({ code }) => code === CODE.none);
  const configs = await configsOf(cluster, existing);
  return existing
    .map((topic) => storedTopicOf(topic, configs.get(topic.name)!))
    .toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
}

/** Creates what is missing. Rejects with EventLogOpenError if something that exists is not what it has to be. */
export async function ensureTopics(cluster: Cluster, topics: readonly TopicSpec[], creation: TopicCreation): Promise<void> {
  if (topics.length === 0) return;
  const names = topics.map(({ name }) => name);
  const stored = new Map((await storedTopics(cluster, names)).map((topic) => [topic.name, topic]));
  const problems = topics.flatMap((spec) => topicFault(spec, stored.get(spec.name)) ?? []);
  if (problems.length > 0) throw new EventLogOpenError(problems.join('; '));
  const missing = topics.filter(({ name }) => !stored.has(name));
  if (missing.length === 0) return;
  await create(cluster, missing, creation);
  await untilVisible(cluster, missing);
}

/** What is wrong with a topic that exists, and how to mend it; undefined if nothing is. */
export function topicFault({ name, policy, partitions }: TopicSpec, stored: StoredTopic | undefined): string | undefined {
  if (!stored) return undefined;
  if (sorted(stored.policy) !== sorted(policy)) {
    return `topic ${name} exists with ${POLICY} ${stored.policy}, but ${policy} is needed: alter it, or use another EVENT_LOG_TOPIC_PREFIX`;
  }
  if (stored.partitions < partitions) {
    return `topic ${name} exists with ${stored.partitions} partitions, but ${partitions} are needed: add some`;
  }
  if (stored.clock !== 'log') return `topic ${name} exists with ${TIMESTAMPS} CreateTime, but ${LOG_CLOCK} is needed: alter it`;
  return undefined;
}

async function configsOf(cluster: Cluster, topics: readonly TopicMetadata[]): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  if (topics.length === 0) return new Map();
  const names = topics.map(({ name }) => name);
  const keys = [POLICY, TIMESTAMPS, RETENTION_MS, RETENTION_BYTES];
  const answers = await cluster.requestAny('main', DESCRIBE_CONFIGS, { topics: names, keys });
  const failed = answers.find(({ code }) => code !== CODE.none);
  if (failed) throw errorOfCode(failed.code, `reading the settings of topic ${failed.name}`, failed.message);
  return new Map(answers.map(({ name, configs }) => [name, configs]));
}

function storedTopicOf({ name, partitions }: TopicMetadata, configs: ReadonlyMap<string, string>): StoredTopic {
  const policy = configs.get(POLICY) ?? '';
  const isDeleted = policy.includes('delete'); // Brokers have limits for other topics too, and do not apply them.
  return {
    name,
    partitions: partitions.length,
    policy,
    retentionMs: isDeleted ? limitIn(configs.get(RETENTION_MS)) : undefined,
    retentionBytes: isDeleted ? limitIn(configs.get(RETENTION_BYTES)) : undefined,
    clock: configs.get(TIMESTAMPS) === LOG_CLOCK ? 'log' : 'producer',
  };
}

/** -1 is no limit. */
function limitIn(text = '-1'): number | undefined {
  return Number(text) < 0 ? undefined : Number(text);
}

/** Another process may have been quicker: that is as good. */
async function create(cluster: Cluster, topics: readonly TopicSpec[], creation: TopicCreation): Promise<void> {
  const request = { topics: topics.map((spec) => newTopic(spec, creation)), timeoutMs: CREATE_TIMEOUT_MS };
  const outcomes = await cluster.requestController(CREATE_TOPICS, request, CREATE_TIMEOUT_MS + 5_000);
  const failed = outcomes.find(({ code }) => code !== CODE.none && code !== CODE.topicExists);
  if (failed) throw errorOfCode(failed.code, `creating topic ${failed.name}`, failed.message);
}

function newTopic({ name, partitions, policy, retentionMs, retentionBytes }: TopicSpec, creation: TopicCreation): NewTopic {
  const configs: [string, string][] = [
    [POLICY, policy],
    [TIMESTAMPS, LOG_CLOCK],
  ];
  if (policy !== 'compact') configs.push([RETENTION_MS, String(retentionMs ?? -1)]);
  if (policy === 'delete') configs.push([RETENTION_BYTES, String(retentionBytes ?? -1)]);
  if (policy !== 'delete') configs.push(...COMPACTION);
  const all = Object.entries({ ...Object.fromEntries(configs), ...creation.configs });
  return { name, partitions, replicationFactor: creation.replicationFactor, configs: all };
}

/** Compacted soon, so that reading such a topic from its beginning stays short; tombstones are kept for long enough to be seen. */
const COMPACTION: readonly [string, string][] = [
  ['segment.ms', '600000'],
  ['segment.bytes', '67108864'],
  ['min.cleanable.dirty.ratio', '0.1'],
  ['delete.retention.ms', '600000'],
];

/** A new topic is not known to all brokers at once, and has no leaders at first. */
async function untilVisible(cluster: Cluster, topics: readonly TopicSpec[]): Promise<void> {
  const names = topics.map(({ name }) => name);
  const deadlineMs = performance.now() + VISIBLE_TIMEOUT_MS;
  for (;;) {
    const found = await cluster.describe(names);
    if (found.every(({ code, partitions }) => code === CODE.none && partitions.every(({ leader }) => leader >= 0))) return;
    if (performance.now() > deadlineMs) throw new Error(`the new topics ${names.join(', ')} have no leaders yet`);
    await sleep(50);
  }
}

function sorted(policy: string): string {
  return policy
    .split(',')
    .map((part) => part.trim())
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join();
}
