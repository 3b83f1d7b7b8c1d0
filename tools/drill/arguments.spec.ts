import { describe, expect, it } from 'vitest';
import { readArguments, USAGE, UsageError } from './arguments.js';
import { DRILLS } from './drills.js';

function mistake(...args: readonly string[]): string {
  try {
    readArguments(args);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return '';
}

describe('readArguments', () => {
  it('takes one drill, several, or all', () => {
    expect(readArguments(['gpu'])).toMatchObject({ names: ['gpu'], url: undefined, scale: 60, timeoutMs: 145_000 });
    expect(readArguments(['blind', 'queue'])?.names).toEqual(['blind', 'queue']);
    expect(readArguments(['all'])?.names).toEqual(Object.keys(DRILLS));
  });

  it('gives more time where durations are longer', () => {
    expect(readArguments(['ttft', '--scale', '1'])?.timeoutMs).toBe(1_620_000);
    expect(readArguments(['ttft', '--scale', '1', '--timeout', '9.5'])?.timeoutMs).toBe(9_500);
  });

  it('takes a running system', () => {
    expect(readArguments(['errors', '--url', 'http://127.0.0.1:8000/', '--model-server', 'http://h:1'])).toMatchObject({
      url: 'http://127.0.0.1:8000',
      modelServerUrl: 'http://h:1',
    });
  });

  it('gives help, which names every drill', () => {
    expect(readArguments(['--help'])).toBeUndefined();
    for (const name of Object.keys(DRILLS)) expect(USAGE).toContain(`  ${name} `);
  });

  it.each([
    [[], 'name a drill: queue, ttft, errors, gpu, blind or all'],
    [['fire'], 'there is no drill "fire": queue, ttft, errors, gpu, blind or all'],
    [['__proto__'], 'there is no drill "__proto__": queue, ttft, errors, gpu, blind or all'],
    [['all', 'gpu'], 'there is no drill "all": queue, ttft, errors, gpu, blind or all'],
    [['gpu', '--scale', '0.5'], '--scale is a number from 1 to 300, not "0.5"'],
    [['gpu', '--scale', 'fast'], '--scale is a number from 1 to 300, not "fast"'],
    [['gpu', '--scale', ''], '--scale is a number from 1 to 300, not ""'],
    [['gpu', '--timeout', 'NaN'], '--timeout is a number from 1 to 86400, not "NaN"'],
    [['gpu', '--timeout', '1e9'], '--timeout is a number from 1 to 86400, not "1e9"'],
    [['queue', '--url', 'localhost:8000'], '--url is an http:// or https:// address, not "localhost:8000"'],
    [['queue', 'gpu', '--url', 'http://h'], 'gpu cannot be done with --url: a process is stopped'],
    [['queue', '--model-server', 'http://h'], '--model-server goes with --url'],
  ])('refuses %j', (args, message) => {
    expect(mistake(...args)).toBe(message);
  });

  it('refuses an option that there is not', () => {
    expect(mistake('queue', '--fast')).toContain("'--fast'");
  });
});
