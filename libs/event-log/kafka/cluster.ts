import { EventLogError, EventLogOpenError } from '../event-log.js';
import type { Api } from './api.js';
import { FIND_COORDINATOR, LIST_OFFSETS, METADATA, type BrokerNode, type TopicMetadata } from './cluster-apis.js';
import { patiently } from './backoff.js';
import { CODE, errorOfCode } from './errors.js';
import { BrokerConnection, type ConnectionOptions } from './kafkajs.js';

export interface ClusterOptions extends Pick<ConnectionOptions, 'tls' | 'sasl'> {
  readonly seeds: readonly { readonly host: string; readonly port: number }[];
  /** Partitions and leaders are looked up again after this time. */
  readonly metadataMaxAgeMs: number;
}

/** A topic as the brokers describe it. */
export interface TopicLayout {
  readonly name: string;
  /** Another one after the topic was deleted and created anew. */
  readonly id: string;
  /** By partition; -1 where there is none now. */
  readonly leaders: readonly number[];
}

/** Connections by purpose: a request that waits on one of them does not hold up the others. */
export type Lane = 'main' | 'produce' | `${'fetch' | 'group' | 'beat'}-${number}`;

export const REQUEST_TIMEOUT_MS = 5_000;

interface Known {
  readonly layout: TopicLayout;
  readonly atMs: number;
}

/** The brokers: where they are, who leads what, and connections to them, made when they are needed. */
export class Cluster {
  private readonly options: ClusterOptions;
  private readonly connections = new Map<string, Promise<BrokerConnection>>();
  private readonly open = new Set<BrokerConnection>();
  private readonly topics = new Map<string, Known>();
  private readonly refreshing = new Map<string, Promise<TopicLayout>>();
  private nodes = new Map<number, BrokerNode>();
  private controller = -1;
  private closed = false;

  constructor(options: ClusterOptions) {
    this.options = options;
  }

  /** True while at least one broker is connected. */
  get reachable(): boolean {
    return this.open.size > 0;
  }

  /** The topic as it was known at most `maxAgeMs` ago. Rejects with EventLogError if it does not exist and was never seen. */
  async topic(name: string, maxAgeMs = this.options.metadataMaxAgeMs): Promise<TopicLayout> {
    const known = this.topics.get(name);
    if (known && performance.now() - known.atMs <= maxAgeMs) return known.layout;
    const refreshing = this.refreshing.get(name) ?? this.refresh(name).finally(() => this.refreshing.delete(name));
    this.refreshing.set(name, refreshing);
    return refreshing;
  }

  /** The topic as it is remembered, however old that is. */
  known(name: string): TopicLayout | undefined {
    return this.topics.get(name)?.layout;
  }

  /** To be called when the brokers say that what is known of the topic no longer holds. */
  forget(name: string): void {
    const known = this.topics.get(name);
    if (known) this.topics.set(name, { ...known, atMs: -Infinity });
  }

  /** What the brokers say of the topics, known or not. */
  async describe(names: readonly string[]): Promise<readonly TopicMetadata[]> {
    const { nodes, controller, topics } = await this.requestAny('main', METADATA, { topics: names });
    this.nodes = new Map(nodes.map((node) => [node.id, node]));
    this.controller = controller;
    return topics;
  }

  /** Earliest or latest offsets, by partition. Rejects if one of them cannot be told now. */
  offsets(topic: string, partitions: readonly number[], at: bigint): Promise<ReadonlyMap<number, bigint>> {
    return patiently(() => this.offsetsNow(topic, partitions, at));
  }

  private async offsetsNow(topic: string, partitions: readonly number[], at: bigint): Promise<ReadonlyMap<number, bigint>> {
    const { leaders } = await this.topic(topic);
    const byLeader = Map.groupBy(partitions, (partition) => leaders[partition] ?? -1);
    const answers = await Promise.all(
      [...byLeader].map(([leader, led]) => this.requestNode(leader, 'main', LIST_OFFSETS, { topic, partitions: led, at })),
    ).catch((error: unknown) => {
      this.forget(topic);
      throw error;
    });
    const found = answers.flat();
    const failed = found.find(({ code }) => code !== CODE.none);
    if (failed) {
      this.forget(topic);
      throw errorOfCode(failed.code, `looking for the offsets of ${topic}`);
    }
    return new Map(found.map(({ partition, offset }) => [partition, offset]));
  }

  /** The broker that coordinates the group. */
  coordinator(group: string, lane: Lane): Promise<BrokerNode> {
    return patiently(async () => {
      const { code, node } = await this.requestAny(lane, FIND_COORDINATOR, { group });
      if (code !== CODE.none) throw errorOfCode(code, `looking for the coordinator of group ${group}`);
      return node;
    });
  }

  /** A request to the controller, or to any broker where that is not known. */
  async requestController<Request, Answer>(api: Api<Request, Answer>, request: Request, timeoutMs: number): Promise<Answer> {
    const node = this.nodes.get(this.controller);
    return node ? this.requestAt(node, 'main', api, request, timeoutMs) : this.requestAny('main', api, request, timeoutMs);
  }

  async requestNode<Request, Answer>(
    nodeId: number,
    lane: Lane,
    api: Api<Request, Answer>,
    request: Request,
    timeoutMs = REQUEST_TIMEOUT_MS,
  ): Promise<Answer> {
    const node = this.nodes.get(nodeId);
    if (!node) throw new Error(nodeId < 0 ? 'a partition has no leader now' : `broker ${nodeId} is not known`);
    return this.requestAt(node, lane, api, request, timeoutMs);
  }

  async requestAt<Request, Answer>(
    at: { readonly host: string; readonly port: number },
    lane: Lane,
    api: Api<Request, Answer>,
    request: Request,
    timeoutMs = REQUEST_TIMEOUT_MS,
  ): Promise<Answer> {
    const connection = await this.connect(at, lane);
    return connection.request(api, request, timeoutMs);
  }

  /** Tries brokers that are known, then the addresses that the log was opened with. */
  async requestAny<Request, Answer>(
    lane: Lane,
    api: Api<Request, Answer>,
    request: Request,
    timeoutMs = REQUEST_TIMEOUT_MS,
  ): Promise<Answer> {
    let cause: unknown;
    for (const at of this.addresses()) {
      try {
        return await this.requestAt(at, lane, api, request, timeoutMs);
      } catch (error) {
        if (error instanceof EventLogError) throw error;
        cause = error;
      }
    }
    throw new Error(`no broker can be reached: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }

  /** Ends the connections of a purpose; what is asked there rejects. */
  closeLane(lane: Lane): void {
    this.drop((key) => key.startsWith(`${lane} `));
  }

  /** Rejects questions and joins that are waited for, so that the log can be closed soon though a broker does not answer. Appends go on. */
  interrupt(): void {
    this.drop((key) => /^(main|group-)/.test(key));
  }

  close(): void {
    this.closed = true;
    this.drop(() => true);
  }

  /** Each once: a broker that does not answer costs seconds. */
  private addresses(): readonly { readonly host: string; readonly port: number }[] {
    const nodes = [...this.nodes.values()];
    return [...nodes, ...this.options.seeds.filter(({ host, port }) => !nodes.some((node) => node.host === host && node.port === port))];
  }

  private async refresh(name: string): Promise<TopicLayout> {
    const [topic] = await this.describe([name]);
    if (!topic || topic.code === CODE.unknownTopic) {
      if (!this.topics.has(name)) throw new EventLogError(`topic ${name} does not exist`);
      throw new Error(`topic ${name} is gone`);
    }
    if (topic.code !== CODE.none) throw topicError(topic.code, name);
    const layout = layoutOf(topic);
    this.topics.set(name, { layout, atMs: performance.now() });
    return layout;
  }

  private async connect({ host, port }: { host: string; port: number }, lane: Lane): Promise<BrokerConnection> {
    if (this.closed) throw new EventLogError('the event log is closed');
    const key = `${lane} ${host}:${port}`;
    const known = this.connections.get(key);
    if (known) return known;
    const { tls, sasl } = this.options;
    const connecting = BrokerConnection.open({ host, port, tls, sasl });
    this.connections.set(key, connecting);
    try {
      const connection = await connecting;
      this.open.add(connection);
      connection.whenEnded(() => {
        this.open.delete(connection);
        if (this.connections.get(key) === connecting) this.connections.delete(key);
      });
      if (this.connections.get(key) !== connecting) connection.close();
      return connection;
    } catch (error) {
      if (this.connections.get(key) === connecting) this.connections.delete(key);
      throw error;
    }
  }

  private drop(isMeant: (key: string) => boolean): void {
    for (const [key, connecting] of this.connections) {
      if (!isMeant(key)) continue;
      this.connections.delete(key);
      connecting.then(
        (connection) => connection.close(),
        () => {},
      );
    }
  }
}

export function layoutOf({ name, id, partitions }: TopicMetadata): TopicLayout {
  const leaders = partitions.map(() => -1);
  for (const { partition, leader } of partitions) leaders[partition] = leader;
  return { name, id, leaders };
}

function topicError(code: number, name: string): Error {
  const error = errorOfCode(code, `looking for topic ${name}`);
  return code === CODE.invalidTopic && error instanceof EventLogOpenError ? new EventLogError(error.message) : error;
}
