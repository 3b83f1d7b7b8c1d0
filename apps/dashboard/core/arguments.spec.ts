import { describe, expect, it } from 'vitest';
import { WINDOW_NAMES } from '#libs/contracts';
import { parseArguments, WINDOWS } from './arguments.js';

const DEFAULTS = { url: 'http://127.0.0.1:8000', window: '5m', intervalMs: 1000, once: false, json: false };

describe('parseArguments', () => {
  it.each([
    [[], {}],
    [['--once'], { once: true }],
    [['--once', '--json'], { once: true, json: true }],
    [['--url', 'http://host:9100/'], { url: 'http://host:9100' }],
    [['--url=https://host/inferometer/'], { url: 'https://host/inferometer' }],
    [['--interval', '2.5'], { intervalMs: 2500 }],
    [['--window', 'all'], { window: 'all' }],
    [['--window=1m', '--window=1h'], { window: '1h' }],
  ])('reads %j', (args, expected) => {
    expect(parseArguments(args)).toEqual({ kind: 'run', options: { ...DEFAULTS, ...expected } });
  });

  it.each(['--help', '-h'])('shows help for %s, whatever follows', (flag) => {
    expect(parseArguments([flag, '--nonsense'])).toEqual({ kind: 'help' });
  });

  it.each([
    [['--nonsense'], 'unknown', '--nonsense'],
    [['once'], 'unknown', 'once'],
    [['--url'], 'needs_value', '--url'],
    [['--url', '--once'], 'needs_value', '--url'],
    [['--once=yes'], 'takes_no_value', '--once'],
    [['--url', 'localhost:8000'], 'bad_url', '--url'],
    [['--url', 'http://user:secret@host'], 'bad_url', '--url'],
    [['--url', 'http://host/?a=1'], 'bad_url', '--url'],
    [['--interval', '0'], 'bad_interval', '0'],
    [['--interval', '1s'], 'bad_interval', '1s'],
    [['--interval', 'Infinity'], 'bad_interval', 'Infinity'],
    [['--interval='], 'bad_interval', ''],
    [['--window', '2m'], 'bad_window', '2m'],
    [['--json'], 'json_needs_once', '--json'],
  ])('refuses %j', (args, kind, argument) => {
    expect(parseArguments(args)).toEqual({ kind: 'mistake', mistake: { kind, argument } });
  });

  it('offers the windows that the API has', () => {
    expect(WINDOWS).toEqual(WINDOW_NAMES);
  });
});
