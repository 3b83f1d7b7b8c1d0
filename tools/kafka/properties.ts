import { join } from 'node:path';

/** Where a broker's data is, and the port of every listener by name; `ADVERTISED` is the one that clients of `PLAINTEXT` are told. */
export interface BrokerPlace {
  readonly folder: string;
  readonly ports: Readonly<Record<string, number>>;
}

/** One node for one machine: no copies, few threads, no waiting for members that do not come; retention and compaction within a second. */
export const USUAL_PROPERTIES: Readonly<Record<string, string>> = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.listener.names': 'CONTROLLER',
  'inter.broker.listener.name': 'PLAINTEXT',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '3',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '3',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '1000',
  // A killed broker may come back when its old session is over.
  'broker.session.timeout.ms': '2000',
  'broker.heartbeat.interval.ms': '500',
  'auto.create.topics.enable': 'false',
  'num.network.threads': '2',
  'num.io.threads': '2',
  'log.cleaner.dedupe.buffer.size': '8388608',
  'log.index.size.max.bytes': '1048576',
  'log.initial.task.delay.ms': '500',
  'log.retention.check.interval.ms': '500',
  'log.cleaner.backoff.ms': '500',
};

/** The text of `server.properties`. */
export function brokerProperties(
  { folder, ports }: BrokerPlace,
  {
    properties = {},
    listeners = {},
  }: { readonly properties?: Readonly<Record<string, string>>; readonly listeners?: Readonly<Record<string, string>> },
): string {
  const protocols: Readonly<Record<string, string>> = { PLAINTEXT: 'PLAINTEXT', ...listeners };
  const address = (name: string, port = ports[name]) => `${name}://127.0.0.1:${port}`;
  const names = Object.keys(protocols);
  const all = {
    ...USUAL_PROPERTIES,
    'controller.quorum.voters': `1@127.0.0.1:${ports['CONTROLLER']}`,
    listeners: [...names, 'CONTROLLER'].map((name) => address(name)).join(','),
    'advertised.listeners': names.map((name) => address(name, ports[name === 'PLAINTEXT' ? 'ADVERTISED' : name])).join(','),
    'listener.security.protocol.map': Object.entries({ ...protocols, CONTROLLER: 'PLAINTEXT' })
      .map(([name, protocol]) => `${name}:${protocol}`)
      .join(','),
    'log.dirs': join(folder, 'log'),
    ...properties,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
