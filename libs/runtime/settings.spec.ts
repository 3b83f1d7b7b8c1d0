import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventLogSettings, localeSetting, serverSettings } from './common-settings.js';
import { isOneEditAway, SettingsError, SettingsReader, type Environment } from './settings.js';

const SECRET = 's3cret-canary';

/** The problems that reading `env` brings up. */
function problemsOf(env: Environment, settings: (read: SettingsReader) => unknown): readonly { name: string; message: string }[] {
  const read = new SettingsReader(env);
  try {
    read.finish(settings(read));
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
}

const everything = (read: SettingsReader) => ({
  name: read.text('NAME', 'nobody', 'a name'),
  key: read.optionalText('API_KEY', 'a key'),
  hosts: read.list('HOSTS', 'hosts'),
  ratio: read.number('RATIO', 0.2, { min: 0, max: 1 }, 'a ratio'),
  size: read.integer('SIZE', 10, { min: 1, max: 100 }, 'a size'),
  port: read.port('PORT', 8000, 'a port'),
  mode: read.oneOf('MODE', ['on', 'off'], 'on', 'a mode'),
  url: read.optionalUrl('URL', 'an address'),
});

/** Settings with an address that must be there. */
const required = (read: SettingsReader) => read.url('UPSTREAM_URL', 'http://127.0.0.1:8001', 'the upstream');

/** The settings of a part of a process. */
const part = (read: SettingsReader) => {
  read.warn('a note');
  return read.finish({ size: read.integer('SIZE', 1, { min: 0, max: 9 }, 'a size'), name: read.text('NAME', 'x', 'a name') });
};

/** Every text that one edit makes of `text`. */
function edits(text: string): string[] {
  const cuts = Array.from({ length: text.length + 1 }, (_, at) => [text.slice(0, at), text.slice(at)] as const);
  return cuts.flatMap(([a, b]) => [
    ...(b ? [a + b.slice(1)] : []),
    ...(b.length > 1 ? [`${a}${b[1]!}${b[0]!}${b.slice(2)}`] : []),
    ...['a', 'b', '_'].flatMap((letter) => [a + letter + b, ...(b ? [a + letter + b.slice(1)] : [])]),
  ]);
}

describe('SettingsReader', () => {
  it('has a default for everything; an empty or blank variable counts as unset', () => {
    const expected = { name: 'nobody', key: undefined, hosts: [], ratio: 0.2, size: 10, port: 8000, mode: 'on', url: undefined };
    const blank = Object.fromEntries(['NAME', 'API_KEY', 'HOSTS', 'RATIO', 'SIZE', 'PORT', 'MODE', 'URL'].map((name) => [name, ' ']));
    for (const env of [{}, blank]) {
      const read = new SettingsReader(env);
      expect(read.finish(everything(read))).toEqual(expected);
    }
  });

  it('reads what is set, trimmed', () => {
    const env = {
      NAME: ' x y ',
      API_KEY: 'k',
      HOSTS: 'a, b ,,c',
      RATIO: '1e-1',
      SIZE: ' 7',
      PORT: '0',
      MODE: 'off',
      URL: 'https://h:1/p/',
    };
    const read = new SettingsReader(env);
    const expected = { name: 'x y', key: 'k', hosts: ['a', 'b', 'c'], ratio: 0.1, size: 7, port: 0, mode: 'off', url: 'https://h:1/p' };
    expect(read.finish(everything(read))).toEqual(expected);
  });

  it('reports all mistakes at once, each with what is allowed', () => {
    const env = { RATIO: '1.5', SIZE: '2.5', PORT: '65536', MODE: 'maybe', URL: 'ftp://h' };
    expect(problemsOf(env, everything)).toEqual([
      { name: 'RATIO', message: '"1.5" is not a number from 0 to 1' },
      { name: 'SIZE', message: '"2.5" is not a whole number from 1 to 100' },
      { name: 'PORT', message: '"65536" is not a whole number from 0 to 65535' },
      { name: 'MODE', message: '"maybe" is not one of on, off' },
      { name: 'URL', message: 'not an http:// or https:// address' },
    ]);
    expect(() => new SettingsReader({}).finish(1)).not.toThrow();
  });

  it.each(['NaN', 'Infinity', '-1', '1,5', '12abc', '--1', 'ten'])('refuses the number %s', (text) => {
    expect(problemsOf({ SIZE: text }, everything)).toHaveLength(1);
  });

  it('exits with 2 and has every problem in its message', () => {
    const error = new SettingsError([
      { name: 'A', message: 'is wrong' },
      { name: 'B', message: 'too' },
    ]);
    expect(error).toMatchObject({ name: 'SettingsError', exitCode: 2, message: 'A: is wrong\nB: too' });
  });

  it('asks for an address that must be there', () => {
    expect(problemsOf({}, required)).toEqual([{ name: 'UPSTREAM_URL', message: 'is required, for example http://127.0.0.1:8001' }]);
    expect(problemsOf({ UPSTREAM_URL: 'nonsense' }, required)).toEqual([
      { name: 'UPSTREAM_URL', message: 'not an http:// or https:// address' },
    ]);
    expect(required(new SettingsReader({ UPSTREAM_URL: 'http://h/' }))).toBe('http://h');
  });

  it('never prints secrets: not in problems, help or warnings', () => {
    const env = { API_KEY: SECRET, API_KEYS: SECRET, URL: `ftp://user:${SECRET}@h`, EVENT_LOG_URL: `amqp://${SECRET}`, MODE: 'wrong' };
    const read = new SettingsReader(env);
    everything(read);
    eventLogSettings(read);
    const printed = [
      JSON.stringify(problemsOf(env, (each) => [everything(each), eventLogSettings(each)])),
      read.help(),
      ...read.warnings(),
    ];
    expect(printed.join('\n')).toContain('EVENT_LOG_URL');
    expect(printed.join('\n')).not.toContain(SECRET);
  });

  it('lists every setting with its default for --help', () => {
    const read = new SettingsReader({ SIZE: '99' });
    everything(read);
    expect(read.help().split('\n')).toEqual([
      '  NAME     a name [nobody]',
      '  API_KEY  a key [(none)]',
      '  HOSTS    hosts [(none)]',
      '  RATIO    a ratio [0.2]',
      '  SIZE     a size [10]',
      '  PORT     a port [8000]',
      '  MODE     a mode (on, off) [on]',
      '  URL      an address [(none)]',
    ]);
  });

  it('suspects a name with a known prefix that is one edit away from a known one', () => {
    const env = {
      QUEUE_TIMEOUT: '1',
      QUEUE_TIMEOUTMS: '1',
      QUEUE_TIMOEUT_MS: '1',
      QUEUES_TIMEOUT_MS: '1',
      CUE_MODE: '1',
      MORT: '1',
      LANG: 'C',
    };
    const read = new SettingsReader({ ...env, PUE_MODE: '1', UUE_MODE: '1' });
    read.integer('QUEUE_TIMEOUT_MS', 1, { min: 0, max: 9 }, 'a time');
    read.text('QUE_MODE', '', 'a mode');
    read.port('PORT', 1, 'a port');
    expect(read.suspects()).toEqual([
      { name: 'QUEUE_TIMEOUTMS', meant: 'QUEUE_TIMEOUT_MS' },
      { name: 'QUEUE_TIMOEUT_MS', meant: 'QUEUE_TIMEOUT_MS' },
    ]);
    expect(read.warnings()).toEqual([
      'QUEUE_TIMEOUTMS is not a setting; did you mean QUEUE_TIMEOUT_MS?',
      'QUEUE_TIMOEUT_MS is not a setting; did you mean QUEUE_TIMEOUT_MS?',
    ]);
  });
});

const level = (read: SettingsReader) => read.finish(read.oneOf('LOG_LEVEL', ['info'], 'info', 'level'));

describe('a section of the settings', () => {
  it('has defaults of its own below the environment, and fixed values above it', () => {
    const read = new SettingsReader({ SIZE: '5', NAME: 'env' });
    expect(read.section(part, { defaults: { SIZE: '3' }, fixed: { NAME: 'fixed' } })).toEqual({ size: 5, name: 'fixed' });
    expect(new SettingsReader({}).section(part, { defaults: { SIZE: '3' } })).toEqual({ size: 3, name: 'x' });
  });

  it('adds its mistakes, its notes and its variables to the whole, but for those that are fixed', () => {
    const read = new SettingsReader({ SIZE: 'many' });
    read.text('OTHER', '', 'other');
    expect(read.section(part, { fixed: { NAME: 'fixed' } })).toBeUndefined();
    expect(() => read.finish(1)).toThrow('SIZE: "many" is not a whole number from 0 to 9');
    expect(read.help().split('\n')).toEqual(['  OTHER  other []', '  SIZE   a size [1]']);
    expect(read.warnings()).toEqual(['a note']);
  });

  it('says a mistake that several parts make once', () => {
    const read = new SettingsReader({ LOG_LEVEL: 'loud' });
    read.section(level, {});
    read.section(level, {});
    expect(() => read.finish(undefined)).toThrow(/^LOG_LEVEL: "loud" is not one of info$/);
  });
});

describe('isOneEditAway', () => {
  it('agrees with making every single edit', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', '_'), maxLength: 6 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(isOneEditAway(a, b)).toBe(a !== b && edits(a).includes(b));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the settings that all processes share', () => {
  it('listen on loopback by default', () => {
    const read = new SettingsReader({});
    expect(serverSettings(read, 8000)).toEqual({ host: '127.0.0.1', port: 8000, logLevel: 'info', apiToken: undefined });
    expect(read.warnings()).toEqual([]);
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', 'example.org'])('warn where HOST %s opens the API to other machines without a token', (HOST) => {
    const open = new SettingsReader({ HOST });
    serverSettings(open, 1);
    expect(open.warnings()).toEqual([expect.stringContaining(`HOST ${HOST} can be reached from other machines`)]);
    const closed = new SettingsReader({ HOST, API_TOKEN: 't' });
    serverSettings(closed, 1);
    expect(closed.warnings()).toEqual([]);
  });

  it.each(['localhost', '127.0.0.1', '127.1.2.3', '::1'])('do not warn for HOST %s', (HOST) => {
    const read = new SettingsReader({ HOST });
    serverSettings(read, 1);
    expect(read.warnings()).toEqual([]);
  });

  it('take only event logs and topic prefixes that can be', () => {
    expect(eventLogSettings(new SettingsReader({}))).toEqual({ url: 'file:./data', topicPrefix: 'inferometer.', replicationFactor: -1 });
    for (const url of ['memory:', 'file:/x', 'kafka://a:9092,b:9092'])
      expect(problemsOf({ EVENT_LOG_URL: url }, eventLogSettings)).toEqual([]);
    for (const url of ['file:', 'memory:x', 'kafka://', 'redis://h', 'x memory:', 'kafka://user:pw@h:1']) {
      expect(problemsOf({ EVENT_LOG_URL: url }, eventLogSettings)).toMatchObject([{ name: 'EVENT_LOG_URL' }]);
    }
    for (const prefix of ['a b', 'ü.', 'x'.repeat(65), '/']) {
      expect(problemsOf({ EVENT_LOG_TOPIC_PREFIX: prefix }, eventLogSettings)).toMatchObject([{ name: 'EVENT_LOG_TOPIC_PREFIX' }]);
    }
  });

  it('say how to speak to brokers', () => {
    const login = { EVENT_LOG_SASL_MECHANISM: 'scram-sha-512', EVENT_LOG_SASL_USERNAME: 'ann', EVENT_LOG_SASL_PASSWORD: SECRET };
    expect(
      eventLogSettings(
        new SettingsReader({ ...login, EVENT_LOG_TLS: 'on', EVENT_LOG_TLS_CA_FILE: '/ca', EVENT_LOG_REPLICATION_FACTOR: '3' }),
      ),
    ).toMatchObject({
      tls: { caFile: '/ca' },
      sasl: { mechanism: 'scram-sha-512', username: 'ann', password: SECRET },
      replicationFactor: 3,
    });
    expect(problemsOf({ EVENT_LOG_SASL_MECHANISM: 'plain' }, eventLogSettings).map(({ name }) => name)).toEqual([
      'EVENT_LOG_SASL_USERNAME',
      'EVENT_LOG_SASL_PASSWORD',
    ]);
    expect(problemsOf({ EVENT_LOG_REPLICATION_FACTOR: '0' }, eventLogSettings)).toHaveLength(1);
    const plain = new SettingsReader({ ...login, EVENT_LOG_SASL_MECHANISM: 'plain' });
    eventLogSettings(plain);
    expect(plain.warnings().join()).toContain('in the clear');
    expect([plain.help(), ...plain.warnings()].join()).not.toContain(SECRET);
  });

  it('speak English or Chinese', () => {
    expect([localeSetting(new SettingsReader({})), localeSetting(new SettingsReader({ LOCALE: 'zh' }))]).toEqual(['en', 'zh']);
    expect(problemsOf({ LOCALE: 'fr' }, localeSetting)).toEqual([{ name: 'LOCALE', message: '"fr" is not one of en, zh' }]);
  });
});
