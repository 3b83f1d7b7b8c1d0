import { lookup } from 'node:dns/promises';
import { EventLogOpenError, type TopicSpec } from '../event-log.js';
import type { SurveyedTopic } from '../survey.js';
import type { Api } from './api.js';
import { Cluster, type ClusterOptions } from './cluster.js';
import { API_VERSIONS, CREATE_TOPICS, DESCRIBE_CONFIGS, FIND_COORDINATOR, LIST_OFFSETS, METADATA } from './cluster-apis.js';
import type { BrokerNode, TopicMetadata } from './cluster-apis.js';
import { FETCH, PRODUCE } from './data-apis.js';
import { HEARTBEAT, JOIN_GROUP, LEAVE_GROUP, OFFSET_COMMIT, SYNC_GROUP } from './group-apis.js';
import { BrokerConnection } from './kafkajs.js';
import { storedTopics, topicFault } from './topics.js';

/** How a broker takes it that somebody wants to speak with it. */
export type BrokerState =
  'answers' | 'unknown_name' | 'refuses_connections' | 'no_route' | 'silent' | 'hangs_up' | 'no_tls' | 'refuses_login' | 'other_versions';

export interface SurveyedBroker {
  /** `host:port`. */
  readonly address: string;
  readonly state: BrokerState;
  /** An error code of TLS, or the requests in other versions; else empty. */
  readonly detail: string;
  /** How long that took to find out. */
  readonly tookMs: number;
}

export interface KafkaSurvey {
  readonly kind: 'kafka';
  /** Those that the log's address names. */
  readonly named: readonly SurveyedBroker[];
  /** All of the cluster, where it says that clients have to come to; empty if none answers. */
  readonly nodes: readonly SurveyedBroker[];
  /** Undefined if none answers, or if they do not tell. */
  readonly topics: readonly SurveyedTopic[] | undefined;
  /** Why they do not tell of the topics, one line. */
  readonly problem: string | undefined;
}

type Options = Omit<ClusterOptions, 'metadataMaxAgeMs'>;
type Address = Options['seeds'][number];

interface Look extends SurveyedBroker {
  readonly nodes: readonly BrokerNode[];
}

const REQUEST_TIMEOUT_MS = 2_500;
const BROKER_TIMEOUT_MS = 4_000;
const SPOKEN: readonly Pick<Api<never, unknown>, 'name' | 'key' | 'version'>[] = [
  PRODUCE,
  FETCH,
  LIST_OFFSETS,
  METADATA,
  FIND_COORDINATOR,
  CREATE_TOPICS,
  DESCRIBE_CONFIGS,
  JOIN_GROUP,
  SYNC_GROUP,
  HEARTBEAT,
  LEAVE_GROUP,
  OFFSET_COMMIT,
];

/** Looks at each broker on its own, then at the topics through those that answer. Changes nothing. Never rejects; takes some 10 s at most. */
export async function surveyKafka(options: Options, specs: readonly TopicSpec[]): Promise<KafkaSurvey> {
  const named = await lookAt(options.seeds, options);
  const advertised = named.find(({ nodes }) => nodes.length > 0)?.nodes ?? [];
  const others = advertised.filter((node) => !named.some(({ address }) => address === addressOf(node)));
  const [looks, topics] = await Promise.all([lookAt(others, options), topicsThrough(named, options, specs)]);
  const nodes = advertised.flatMap((node) => [...named, ...looks].find(({ address }) => address === addressOf(node)) ?? []);
  return { kind: 'kafka', named: named.map(shown), nodes: nodes.map(shown), ...topics };
}

function lookAt(addresses: readonly Address[], options: Options): Promise<readonly Look[]> {
  return Promise.all(addresses.map((address) => within(BROKER_TIMEOUT_MS, lookAtBroker(address, options), address)));
}

/** Names, connects, logs in, and asks for what every request of ours needs. */
async function lookAtBroker(at: Address, { tls, sasl }: Options): Promise<Look> {
  const startMs = performance.now();
  const look = (state: BrokerState, detail = '', nodes: readonly BrokerNode[] = []): Look => {
    return { address: addressOf(at), state, detail, nodes, tookMs: performance.now() - startMs };
  };
  let connection: BrokerConnection | undefined;
  try {
    await lookup(at.host);
  } catch {
    return look('unknown_name');
  }
  try {
    connection = await BrokerConnection.open({ ...at, tls, sasl });
    const spoken = await connection.request(API_VERSIONS, undefined, REQUEST_TIMEOUT_MS);
    const strange = SPOKEN.filter(({ key, version }) => version < (spoken.get(key)?.min ?? 0) || version > (spoken.get(key)?.max ?? -1));
    if (strange.length > 0) return look('other_versions', strange.map(({ name, version }) => `${name} ${version}`).join(', '));
    const { nodes } = await connection.request(METADATA, { topics: [] }, REQUEST_TIMEOUT_MS);
    return look('answers', '', nodes);
  } catch (error) {
    return look(...stateOf(error));
  } finally {
    connection?.close();
  }
}

/** The messages of the connection's errors hold a code where there is one. */
function stateOf(error: unknown): [state: BrokerState, detail: string] {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof EventLogOpenError && message.includes('EVENT_LOG_SASL')) return ['refuses_login', ''];
  if (error instanceof EventLogOpenError) return ['no_tls', /\((\w+)\)/.exec(message)?.[1] ?? ''];
  if (message.includes('ECONNREFUSED')) return ['refuses_connections', ''];
  if (/EHOSTUNREACH|ENETUNREACH/.test(message)) return ['no_route', ''];
  if (/ETIMEDOUT|timeout|in time/i.test(message)) return ['silent', ''];
  return ['hangs_up', ''];
}

async function within(timeoutMs: number, looking: Promise<Look>, at: Address): Promise<Look> {
  const silent = Promise.withResolvers<Look>();
  const timer = setTimeout(
    () => silent.resolve({ address: addressOf(at), state: 'silent', detail: '', nodes: [], tookMs: timeoutMs }),
    timeoutMs,
  );
  try {
    return await Promise.race([looking, silent.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function topicsThrough(
  named: readonly Look[],
  options: Options,
  specs: readonly TopicSpec[],
): Promise<Pick<KafkaSurvey, 'topics' | 'problem'>> {
  const seeds = options.seeds.filter((seed) => named.some(({ address, state }) => state === 'answers' && address === addressOf(seed)));
  if (seeds.length === 0) return { topics: undefined, problem: undefined };
  const cluster = new Cluster({ ...options, seeds, metadataMaxAgeMs: Infinity });
  const names = specs.map(({ name }) => name);
  try {
    const [stored, described] = [await storedTopics(cluster, names), await cluster.describe(names)];
    const topics = specs.map((spec) => {
      const topic = stored.find(({ name }) => name === spec.name);
      return { spec, stored: topic, fault: topicFault(spec, topic), ...copiesOf(described.find(({ name }) => name === spec.name)) };
    });
    return { topics, problem: undefined };
  } catch (error) {
    return { topics: undefined, problem: error instanceof Error ? error.message : String(error) };
  } finally {
    cluster.close();
  }
}

/** Of the partition that is worst off. */
function copiesOf(topic: TopicMetadata | undefined): Partial<SurveyedTopic> {
  if (!topic || topic.partitions.length === 0) return {};
  return {
    copies: Math.min(...topic.partitions.map(({ copies }) => copies)),
    inSync: Math.min(...topic.partitions.map(({ inSync }) => inSync)),
    leaderless: topic.partitions.filter(({ leader }) => leader < 0).length,
  };
}

function shown({ address, state, detail, tookMs }: Look): SurveyedBroker {
  return { address, state, detail, tookMs };
}

function addressOf({ host, port }: Address): string {
  return `${host}:${port}`;
}
