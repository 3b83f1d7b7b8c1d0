import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DOCTOR_USAGE } from './doctor-command.js';
import { contentsOf, NO_KAFKA, serveModels, serving, testFolder, visit } from './doctor.fixture.js';

const CANARY = 'canary-in-the-mine';

describe('npm run doctor', () => {
  it('finds nothing wrong before a first start, and leaves nothing behind', async () => {
    const folder = testFolder();
    const found = await visit({ EVENT_LOG_URL: `file:${folder}/deep/log`, UPSTREAM_URL: await serveModels('m1', 'm2') });
    expect(found).toMatchObject({ code: 0, error: '' });
    expect(JSON.parse(found.out)).toMatchObject({ ok: true, failed: 0, warned: 0, skipped: 0 });
    expect(found.of('upstream')).toEqual([expect.stringMatching(/^ok http:\/\/127\.0\.0\.1:\d+ answers in \d+ ms: 2 models \(m1, m2\)$/)]);
    expect(found.of('event log')[0]).toBe(`ok ${folder}/deep/log: the folder and the log will be made at the first start`);
    expect(contentsOf(folder)).toEqual([]);
  });

  it('prints it for people, aligned', async () => {
    const { code, out } = await visit({ EVENT_LOG_URL: 'memory:' }, []);
    expect(code).toBe(0);
    expect(out).toMatch(/^Inferometer \d+\.\d+\.\d+\n\nok {4}node {7}Node 24\.[\s\S]*\n\n0 failed, 0 warnings, \d+ ok, 0 skipped$/);
    expect(out).toContain('\nok    upstream   UPSTREAM_URL is not set: npm start brings a simulated model server\n');
  });

  it('explains itself, and refuses what it does not know', async () => {
    expect(await visit({}, ['--help'])).toMatchObject({ code: 0, out: DOCTOR_USAGE });
    for (const args of [['now'], ['--fast'], ['--only', 'gateway,door'], ['--only']]) {
      expect(await visit({}, args)).toMatchObject({ code: 2, out: '', error: DOCTOR_USAGE });
    }
  });

  it('looks at one process alone, with its settings as it reads them', async () => {
    const found = await visit({ EVENT_LOG_URL: 'memory:', PORT: '65536' }, ['--only', 'aggregator', '--json']);
    expect(found.of('settings')).toEqual(['fail PORT: "65536" is not a whole number from 0 to 65535']);
    expect(found.of('port')).toEqual(['skip not looked at: PORT is wrong']);
    expect([...found.of('upstream'), ...found.of('gpu')]).toEqual([]);
    const gateway = await visit({ EVENT_LOG_URL: 'memory:' }, ['--only', 'gateway', '--json']);
    expect(gateway.of('settings')).toEqual([expect.stringMatching(/^fail UPSTREAM_URL: is required/)]);
    expect(gateway.of('upstream')).toEqual(['skip not looked at: UPSTREAM_URL is wrong']);
  });

  it('tells all mistakes of all processes together, and looks at what does not depend on them', async () => {
    const env = { EVENT_LOG_URL: 'amqp://h', MAX_QUEUE_SIZE: 'x', TTFT_MS: '-1', HOST: '0.0.0.0', UPSTREAM_API_KY: 'x' };
    const found = await visit({ ...env, GPU_SOURCE: 'nvml' });
    expect(found.code).toBe(1);
    expect(found.of('settings').map((line) => line.slice(0, 24))).toEqual([
      'fail EVENT_LOG_URL: must',
      'fail MAX_QUEUE_SIZE: "x"',
      'fail GPU_SOURCE: "nvml" ',
      'fail TTFT_MS: "-1" is no',
      'warn HOST 0.0.0.0 can be',
      'warn UPSTREAM_API_KY is ',
    ]);
    const skipped = ['event log', 'topics', 'clock', 'gpu'].flatMap((check) => found.of(check));
    expect(skipped).toEqual([
      ...Array.from({ length: 3 }, () => 'skip not looked at: EVENT_LOG_URL is wrong'),
      'skip not looked at: GPU_SOURCE is wrong',
    ]);
    expect(found.of('port')).toHaveLength(4);
    const nameless = await visit({ EVENT_LOG_URL: NO_KAFKA, EVENT_LOG_SASL_MECHANISM: 'plain' });
    expect(nameless.of('settings').map((line) => line.slice(0, 31))).toEqual([
      'fail EVENT_LOG_SASL_USERNAME: i',
      'fail EVENT_LOG_SASL_PASSWORD: i',
      'warn EVENT_LOG_SASL_MECHANISM p',
    ]);
    expect(nameless.of('port')).toHaveLength(4);
  });

  it('reads the files that settings name', async () => {
    const folder = testFolder();
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const env = { EVENT_LOG_URL: NO_KAFKA, EVENT_LOG_TLS: 'on', SPOOL_DIR: folder };
    const good = { LIMITS_FILE: file('l', '{"max_queue_size":5}'), GATEWAY_API_KEYS_FILE: file('k', `${'0'.repeat(64)} ann\n`) };
    const [sound, broken, missing] = await Promise.all([
      visit({ ...env, ...good, EVENT_LOG_TLS_CA_FILE: file('c', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n') }),
      visit({
        ...env,
        LIMITS_FILE: file('m', '{"max_queue":5}'),
        GATEWAY_API_KEYS_FILE: file('n', 'ann\n'),
        EVENT_LOG_TLS_CA_FILE: file('o', ''),
      }),
      visit({ ...env, LIMITS_FILE: join(folder, 'x'), GATEWAY_API_KEYS_FILE: join(folder, 'y'), EVENT_LOG_TLS_CA_FILE: join(folder, 'z') }),
    ]);
    expect(
      sound
        .of('settings')
        .slice(1)
        .map((line) => line.replaceAll(folder, '')),
    ).toEqual([
      'fail EVENT_LOG_TLS_CA_FILE /c: a certificate in it is broken',
      'ok LIMITS_FILE /l: limits that fit',
      'ok GATEWAY_API_KEYS_FILE /k: 1 key',
    ]);
    expect(
      broken
        .of('settings')
        .slice(1)
        .map((line) => line.replaceAll(folder, '')),
    ).toEqual([
      'fail EVENT_LOG_TLS_CA_FILE /o: it holds no certificate in PEM',
      expect.stringContaining('fail LIMITS_FILE /m: A limit has an unknown name'),
      'fail GATEWAY_API_KEYS_FILE /n: line 1 is not "DIGEST NAME"',
    ]);
    expect(
      missing
        .of('settings')
        .slice(1)
        .map((line) => line.replaceAll(folder, '')),
    ).toEqual([
      'fail EVENT_LOG_TLS_CA_FILE /z: it cannot be read (ENOENT)',
      'fail LIMITS_FILE /x: it cannot be read',
      'fail GATEWAY_API_KEYS_FILE /y: it cannot be read (ENOENT)',
    ]);
  });

  it('never shows a secret, wherever it stands', async () => {
    const upstream = (await serving((_, response) => void response.writeHead(401).end(`no ${CANARY}`))).replace(
      '//',
      `//${CANARY}:${CANARY}@`,
    );
    const secrets = {
      API_TOKEN: CANARY,
      UPSTREAM_API_KEY: CANARY,
      EVENT_LOG_SASL_PASSWORD: CANARY,
      EVENT_LOG_SASL_USERNAME: `u-${CANARY}`,
    };
    const urls = { UPSTREAM_URL: `${upstream},https://${CANARY}@127.0.0.1:1`, AGGREGATOR_URL: upstream };
    const env = {
      ...secrets,
      ...urls,
      EVENT_LOG_URL: NO_KAFKA,
      EVENT_LOG_SASL_MECHANISM: 'plain',
      OTEL_EXPORTER_OTLP_HEADERS: `k=${CANARY}%`,
    };
    for (const args of [[], ['--json'], ['--only', 'gateway']]) {
      const found = await visit(env, args);
      expect(found.code).toBe(1);
      expect(found.out).toContain('refuses UPSTREAM_API_KEY (401)');
      expect(found.out + found.error).not.toContain(CANARY);
    }
    expect((await visit({ EVENT_LOG_URL: `kafka://u:${CANARY}@h`, UPSTREAM_URL: `ftp://${CANARY}@h` })).out).not.toContain(CANARY);
  });
});
