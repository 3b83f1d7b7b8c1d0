import { describe, expect, it } from 'vitest';
import { brokerFindings, type BrokerFacts } from './broker-findings.js';
import { lines } from './finding.fixture.js';

const here = { tls: false, sasl: undefined };

function broker(address: string, state: BrokerFacts['state'], detail = ''): BrokerFacts {
  return { address, state, detail, tookMs: 3.4 };
}

function mendOf(tls: boolean, sasl?: string): string | undefined {
  return brokerFindings({ named: [broker('a:1', 'hangs_up')], nodes: [], tls, sasl })[0]!.mend;
}

describe('brokers', () => {
  it('one that answers is enough; the others are worth a warning', () => {
    const named = [broker('a:1', 'silent'), broker('b:1', 'answers')];
    expect(lines(brokerFindings({ ...here, named, nodes: [broker('b:1', 'answers'), broker('a:1', 'silent')] }))).toEqual([
      'ok Kafka, 2 brokers: b:1 answers in 3 ms, no TLS, no login',
      expect.stringMatching(/^warn a:1 does not answer in time → start the broker/),
    ]);
  });

  it('one that sends its clients to where they cannot come is a fault', () => {
    const facts = { named: [broker('b:1', 'answers')], nodes: [broker('b:1', 'answers'), broker('inner:1', 'unknown_name')] };
    expect(lines(brokerFindings({ ...facts, tls: true, sasl: 'scram-sha-512' }))).toEqual([
      'ok Kafka, 2 brokers: b:1 answers in 3 ms, TLS, logged in with scram-sha-512',
      expect.stringMatching(/^fail the cluster sends its clients to inner:1, and there: .*cannot be resolved → set advertised\.listeners/),
    ]);
  });

  it.each([
    ['unknown_name', /cannot be resolved → mend the name in EVENT_LOG_URL/],
    ['refuses_connections', /nothing listens there → start the broker/],
    ['no_route', /no route .* → start the broker/],
    ['silent', /in time → start the broker/],
    ['hangs_up', /hangs up → does it want TLS \(EVENT_LOG_TLS=on\) or a login/],
    ['no_tls', /TLS fails \(X\) → .*EVENT_LOG_TLS_CA_FILE/],
    ['refuses_login', /password or the mechanism .*→ mend EVENT_LOG_SASL_MECHANISM/],
    ['other_versions', /no version .*→ use brokers from Kafka 3\.1 on/],
  ] as const)('none that answers, as it is %s, is a fault of its own', (state, line) => {
    const found = brokerFindings({ ...here, named: [broker('a:1', state, state === 'no_tls' ? 'X' : '')], nodes: [] });
    expect(lines(found)).toEqual([expect.stringMatching(line)]);
    expect(found[0]!.verdict).toBe('fail');
  });

  it('one that hangs up may want something else, depending on how it was spoken to', () => {
    expect([mendOf(true), mendOf(false, 'plain'), mendOf(true, 'plain')]).toEqual([
      expect.stringContaining('unset EVENT_LOG_TLS'),
      'does it want TLS on this port (EVENT_LOG_TLS=on)?',
      expect.stringContaining('unset EVENT_LOG_TLS'),
    ]);
  });
});
