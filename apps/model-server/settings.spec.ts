import { SettingsError, SettingsReader, type Environment } from '#libs/runtime';
import { describe, expect, it } from 'vitest';
import { modelServerSettings } from './settings.js';

function read(env: Environment) {
  return modelServerSettings(new SettingsReader(env));
}

function problemsOf(env: Environment): Record<string, string> {
  try {
    read(env);
  } catch (error) {
    if (error instanceof SettingsError) return Object.fromEntries(error.problems.map(({ name, message }) => [name, message]));
    throw error;
  }
  return {};
}

describe('modelServerSettings', () => {
  it('has the defaults that are written down', () => {
    expect(read({})).toMatchObject({
      host: '127.0.0.1',
      port: 8001,
      modelNames: ['demo-7b'],
      ttftMs: 300,
      tokensPerSecond: 25,
      jitter: 0.2,
      capacity: 0,
    });
  });

  it('reads every variable', () => {
    const env = { MODEL_NAMES: 'a, org/b', TTFT_MS: '0', TOKENS_PER_SECOND: '1e6', JITTER: '0', SEED: '42', CAPACITY: '8', PORT: '0' };
    const expected = { modelNames: ['a', 'org/b'], ttftMs: 0, tokensPerSecond: 1_000_000, jitter: 0, seed: 42, capacity: 8, port: 0 };
    expect(read(env)).toMatchObject(expected);
  });

  it('reports all mistakes together, with what is allowed', () => {
    const env = { MODEL_NAMES: 'a,a', TTFT_MS: '-1', TOKENS_PER_SECOND: '0', JITTER: '2', SEED: 'x', CAPACITY: '1.5' };
    expect(problemsOf(env)).toEqual({
      MODEL_NAMES: 'a name is given twice',
      TTFT_MS: '"-1" is not a number from 0 to 3600000',
      TOKENS_PER_SECOND: '"0" is not a number from 0.001 to 1000000000',
      JITTER: '"2" is not a number from 0 to 1',
      SEED: '"x" is not a whole number from 0 to 4294967295',
      CAPACITY: '"1.5" is not a whole number from 0 to 1000000',
    });
  });
});
