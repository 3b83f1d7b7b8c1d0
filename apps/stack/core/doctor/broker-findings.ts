import { counted, listed } from './amounts.js';
import { fail, ok, warn, type Finding } from './finding.js';

/** How a broker took it that somebody wanted to speak with it. */
export interface BrokerFacts {
  readonly address: string;
  readonly state:
    'answers' | 'unknown_name' | 'refuses_connections' | 'no_route' | 'silent' | 'hangs_up' | 'no_tls' | 'refuses_login' | 'other_versions';
  readonly detail: string;
  readonly tookMs: number;
}

export interface ClusterFacts {
  /** Those of EVENT_LOG_URL. */
  readonly named: readonly BrokerFacts[];
  /** All that there are, where they say that clients have to come to. */
  readonly nodes: readonly BrokerFacts[];
  /** How it was spoken with them. */
  readonly tls: boolean;
  readonly sasl: string | undefined;
}

const CHECK = 'event log';

/** Whether the cluster can be used from here. One broker that answers is enough to begin with; all of the cluster's own have to be reached. */
export function brokerFindings(facts: ClusterFacts): readonly Finding[] {
  const answering = facts.named.filter(({ state }) => state === 'answers');
  const deaf = facts.named.filter(({ state }) => state !== 'answers');
  if (answering.length === 0) return deaf.map((broker) => fail(CHECK, saidOf(broker), mendFor(broker, facts)));
  const how = `${facts.tls ? 'TLS' : 'no TLS'}, ${facts.sasl === undefined ? 'no login' : `logged in with ${facts.sasl}`}`;
  const ms = Math.round(Math.min(...answering.map(({ tookMs }) => tookMs)));
  const brokers = `Kafka, ${counted(facts.nodes.length, 'broker')}`;
  const reached = ok(CHECK, `${brokers}: ${listed(answering.map(({ address }) => address))} answers in ${ms} ms, ${how}`);
  return [
    reached,
    ...deaf.map((broker) => warn(CHECK, saidOf(broker), mendFor(broker, facts))),
    ...facts.nodes.filter((node) => isStray(node, facts)).map((node) => strayFinding(node)),
  ];
}

/** A broker that sends its clients to where they cannot come; those that EVENT_LOG_URL names are told of already. */
function isStray(node: BrokerFacts, { named }: ClusterFacts): boolean {
  return node.state !== 'answers' && !named.some(({ address }) => address === node.address);
}

function strayFinding(node: BrokerFacts): Finding {
  return fail(
    CHECK,
    `the cluster sends its clients to ${node.address}, and there: ${saidOf(node)}`,
    'set advertised.listeners of that broker to an address that this machine can reach, or start the broker',
  );
}

const SAID: Readonly<Record<BrokerFacts['state'], string>> = {
  answers: 'answers',
  unknown_name: 'the name cannot be resolved',
  refuses_connections: 'refuses connections: nothing listens there',
  no_route: 'cannot be reached: no route to that network',
  silent: 'does not answer in time',
  hangs_up: 'takes the connection and hangs up',
  no_tls: 'TLS fails',
  refuses_login: 'refuses the user, the password or the mechanism',
  other_versions: 'speaks no version of the protocol that is spoken here',
};

function saidOf({ address, state, detail }: BrokerFacts): string {
  return `${address} ${SAID[state]}${detail === '' ? '' : ` (${detail})`}`;
}

function mendFor({ state }: BrokerFacts, { tls, sasl }: ClusterFacts): string {
  switch (state) {
    case 'unknown_name':
      return 'mend the name in EVENT_LOG_URL, or the DNS of this machine';
    case 'hangs_up':
      return hangUpAdvice(tls, sasl);
    case 'no_tls':
      return 'name the certificates to trust in EVENT_LOG_TLS_CA_FILE, or the host as its certificate does in EVENT_LOG_URL';
    case 'refuses_login':
      return 'mend EVENT_LOG_SASL_MECHANISM, EVENT_LOG_SASL_USERNAME or EVENT_LOG_SASL_PASSWORD';
    case 'other_versions':
      return 'use brokers from Kafka 3.1 on';
    default:
      return 'start the broker (npm run kafka starts one to try), or mend EVENT_LOG_URL or the firewall between';
  }
}

function hangUpAdvice(tls: boolean, sasl: string | undefined): string {
  if (tls) return 'does it speak TLS on this port? if not, unset EVENT_LOG_TLS or name another port in EVENT_LOG_URL';
  if (sasl === undefined) return 'does it want TLS (EVENT_LOG_TLS=on) or a login (EVENT_LOG_SASL_MECHANISM) on this port?';
  return 'does it want TLS on this port (EVENT_LOG_TLS=on)?';
}
