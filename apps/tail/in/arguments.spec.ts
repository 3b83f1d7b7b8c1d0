import { describe, expect, it } from 'vitest';
import { typesNamed, USUAL_TYPES } from '../core/event-types.js';
import { readArguments } from './arguments.js';

const NOW_MS = Date.parse('2026-01-01T12:00:00Z');
const NOTHING = { types: USUAL_TYPES, models: [], tenants: [], requests: [] };

describe('the arguments', () => {
  it('may be none: what comes from now on, but for heartbeats', () => {
    const options = { selection: NOTHING, from: 'now', once: false, json: false };
    expect(readArguments([], NOW_MS)).toEqual({ kind: 'run', options });
  });

  it('may all be given, the selecting ones several times', () => {
    const args = '--type completed,failed --type=request.failed --model m --model n --tenant blue --request r --from 15m --once --json';
    expect(readArguments(args.split(' '), NOW_MS)).toEqual({
      kind: 'run',
      options: {
        selection: {
          types: [...typesNamed('completed'), ...typesNamed('failed')],
          models: ['m', 'n'],
          tenants: ['blue'],
          requests: ['r'],
        },
        from: NOW_MS - 900_000,
        once: true,
        json: true,
      },
    });
  });

  it('read from the beginning with --once, unless they say otherwise', () => {
    expect(readArguments(['--once'], NOW_MS)).toMatchObject({ options: { from: 'beginning' } });
    expect(readArguments(['--once', '--from', 'now'], NOW_MS)).toMatchObject({ options: { from: 'now' } });
  });

  it.each([
    [['--type', 'complete'], /^--type "complete" is none of request\.received, .*, gpu\.read$/],
    [['--type', 'completed,'], /^--type "" is none of/],
    [['--from', 'yesterday'], /^--from must be beginning, now, .* not "yesterday"$/],
    [['--type', 'read', '--model', 'm'], /^only events about requests have a model/],
    [['--type'], /--type/],
    [['--nonsense'], /--nonsense/],
    [['here'], /here/],
    [['--json=yes'], /--json/],
  ])('%j are refused', (args, message) => {
    expect(readArguments(args, NOW_MS)).toMatchObject({ kind: 'mistake', message: expect.stringMatching(message) as string });
  });

  it('may ask for help', () => {
    expect(readArguments(['--help'], NOW_MS)).toEqual({ kind: 'help' });
    expect(readArguments(['-h', '--json'], NOW_MS)).toEqual({ kind: 'help' });
  });
});
