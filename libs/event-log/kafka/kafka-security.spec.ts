import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../test/support/certificate.js';
import { canStartKafka, KafkaBroker } from '../../../test/support/kafka.js';
import { newTopic, numbered, readAll, record } from '../contract/support.contract.js';
import { EventLogOpenError, type EventLog } from '../event-log.js';
import { openEventLog, type EventLogAddress } from '../open.js';

const USER = 'ann';
const PASSWORD = 'correct horse';
const WRONG = 'battery staple';
const STORE = 'store password';
const KEYS = ['k0', 'k1', 'k2'];
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

/** A certificate for 127.0.0.1 that signs itself, and a key store of it for the broker. */
function makeKeyStore(folder: string): { readonly pem: string; readonly keyStore: string } {
  const { key, cert: pem } = makeCertificate(folder, '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1');
  const keyStore = join(folder, 'store.p12');
  const exported = ['pkcs12', '-export', '-in', pem, '-inkey', key, '-out', keyStore, '-passout', `pass:${STORE}`];
  execFileSync('openssl', exported, { stdio: 'ignore' });
  return { pem, keyStore };
}

function jaas(login: 'plain.Plain' | 'scram.Scram', users = ''): string {
  return `org.apache.kafka.common.security.${login}LoginModule required ${users};`;
}

function startBroker(keyStore: string): Promise<KafkaBroker> {
  const ssl = { 'ssl.keystore.location': keyStore, 'ssl.keystore.password': STORE, 'ssl.keystore.type': 'PKCS12' };
  const plain = jaas('plain.Plain', `user_${USER}="${PASSWORD}"`);
  const scram = jaas('scram.Scram');
  return KafkaBroker.start({
    listeners: { LOGIN: 'SASL_PLAINTEXT', TLS: 'SSL', BOTH: 'SASL_SSL' },
    format: MECHANISMS.slice(1).flatMap((name) => ['--add-scram', `${name.toUpperCase()}=[name=${USER},password=${PASSWORD}]`]),
    properties: {
      ...ssl,
      'sasl.enabled.mechanisms': MECHANISMS.map((name) => name.toUpperCase()).join(','),
      ...Object.fromEntries(
        ['login', 'both'].flatMap((listener) => [
          [`listener.name.${listener}.plain.sasl.jaas.config`, plain],
          [`listener.name.${listener}.scram-sha-256.sasl.jaas.config`, scram],
          [`listener.name.${listener}.scram-sha-512.sasl.jaas.config`, scram],
        ]),
      ),
    },
  });
}

/** The keys that come back of three that are appended. */
async function keysThrough(address: EventLogAddress): Promise<readonly string[]> {
  const log = await openEventLog(address);
  const topic = await newTopic(log, { partitions: 1 });
  await log.append(topic, numbered(0, 3));
  const keys = (await readAll(log, topic)).map(({ key }) => key);
  await log.close();
  return keys;
}

async function refusals(address: EventLogAddress): Promise<readonly unknown[]> {
  const log = await openEventLog(address);
  const calls: ((on: EventLog) => Promise<unknown>)[] = [
    (on) => on.ensureTopics([{ name: 't', partitions: 1, policy: 'delete' }]),
    (on) => on.append('t', [record(0, 'a')]),
    (on) => on.consume('t', 'g', { assigned: async () => 'end', batch: async () => {}, revoked: async () => {} }),
    (on) => on.follow('t', 'end', { records: () => {} }),
  ];
  const causes: unknown[] = [];
  for (const call of calls) causes.push(await call(log).catch((error: unknown) => error));
  await log.close();
  return causes;
}

describe.skipIf(!(await canStartKafka()))('a broker that wants to know who asks', () => {
  let folder: string;
  let pem: string;
  let broker: KafkaBroker;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'event-log-tls-'));
    const made = makeKeyStore(folder);
    pem = made.pem;
    broker = await startBroker(made.keyStore);
  }, 90_000);
  afterAll(async () => {
    await broker?.stop();
    rmSync(folder, { recursive: true });
  });

  const at = (listener: string, more: Partial<EventLogAddress>): EventLogAddress => ({
    url: `kafka://${broker.addressOf(listener)}`,
    ...more,
  });
  const login = (mechanism: (typeof MECHANISMS)[number], password = PASSWORD) => ({ sasl: { mechanism, username: USER, password } });

  it.each(MECHANISMS)('lets in who logs in with %s, in the clear or encrypted', async (mechanism) => {
    expect(await keysThrough(at('LOGIN', login(mechanism)))).toEqual(KEYS);
    expect(await keysThrough(at('BOTH', { ...login(mechanism), tls: { caFile: pem } }))).toEqual(KEYS);
  });

  it('speaks TLS with those who trust its certificate', async () => {
    expect(await keysThrough(at('TLS', { tls: { caFile: pem } }))).toEqual(KEYS);
  });

  it.each(MECHANISMS)('refuses a wrong password with %s, for the operator to mend, and nobody prints it', async (mechanism) => {
    for (const cause of await refusals(at('LOGIN', login(mechanism, WRONG)))) {
      expect(cause).toBeInstanceOf(EventLogOpenError);
      expect(String(cause)).toMatch(/EVENT_LOG_SASL/);
      expect(`${String(cause)} ${(cause as Error).stack}`).not.toContain(WRONG);
    }
  });

  it('is not spoken to if its certificate is not trusted', async () => {
    for (const cause of await refusals(at('TLS', { tls: {} }))) {
      expect(cause).toBeInstanceOf(EventLogOpenError);
      expect(String(cause)).toMatch(/EVENT_LOG_TLS_CA_FILE/);
    }
  });

  it('is not spoken to with TLS where it speaks none: it only hangs up, as one that goes away does', async () => {
    for (const cause of await refusals(at('PLAINTEXT', { tls: { caFile: pem } })))
      expect(String(cause)).toMatch(/no broker can be reached: .*TLS/);
  });

  it('cannot be asked if there is no such file of certificates', async () => {
    await expect(openEventLog(at('TLS', { tls: { caFile: join(folder, 'none.pem') } }))).rejects.toThrow(EventLogOpenError);
  });
});
