import type { WindowName } from '#libs/contracts';

/** What the command line asks for. */
export interface Options {
  /** Address of the gateway or the aggregator, without a trailing slash. */
  readonly url: string;
  readonly window: WindowName;
  readonly intervalMs: number;
  readonly once: boolean;
  readonly json: boolean;
}

export type Command =
  | { readonly kind: 'run'; readonly options: Options }
  | { readonly kind: 'help' }
  | { readonly kind: 'mistake'; readonly mistake: ArgumentMistake };

export type MistakeKind = 'unknown' | 'needs_value' | 'takes_no_value' | 'bad_url' | 'bad_interval' | 'bad_window' | 'json_needs_once';

export interface ArgumentMistake {
  readonly kind: MistakeKind;
  /** The argument as it was given. */
  readonly argument: string;
}

export const DEFAULT_URL = 'http://127.0.0.1:8000';
/** Spelt out, and checked by the compiler: to import the list itself would compile every event schema at each start. */
export const WINDOWS = Object.keys({ '1m': 0, '5m': 0, '15m': 0, '1h': 0, all: 0 } satisfies Record<WindowName, 0>) as WindowName[];
export const INTERVAL_SECONDS = { min: 0.1, max: 3600 } as const;

const DEFAULTS: Options = { url: DEFAULT_URL, window: '5m', intervalMs: 1000, once: false, json: false };
const FLAGS = new Set(['--once', '--json', '--help', '-h']);
const VALUED = new Set(['--url', '--interval', '--window']);

/** Reads the arguments after the program's name. A later one wins; the first mistake is the one that is told. */
export function parseArguments(args: readonly string[]): Command {
  let options = DEFAULTS;
  const rest = [...args];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const [name, inline] = splitAtEquals(argument);
    if (name === '--help' || name === '-h') return { kind: 'help' };
    const read = FLAGS.has(name)
      ? readFlag(name, inline)
      : readValued(name, inline ?? (VALUED.has(name) ? rest.shift() : undefined), argument);
    if ('kind' in read) return { kind: 'mistake', mistake: read };
    options = { ...options, ...read };
  }
  if (options.json && !options.once) return { kind: 'mistake', mistake: { kind: 'json_needs_once', argument: '--json' } };
  return { kind: 'run', options };
}

function splitAtEquals(argument: string): [string, string | undefined] {
  const at = argument.indexOf('=');
  return argument.startsWith('--') && at > 0 ? [argument.slice(0, at), argument.slice(at + 1)] : [argument, undefined];
}

function readFlag(name: string, inline: string | undefined): Partial<Options> | ArgumentMistake {
  if (inline !== undefined) return { kind: 'takes_no_value', argument: name };
  return name === '--once' ? { once: true } : { json: true };
}

function readValued(name: string, value: string | undefined, argument: string): Partial<Options> | ArgumentMistake {
  if (!VALUED.has(name)) return { kind: 'unknown', argument };
  if (value === undefined || value.startsWith('--')) return { kind: 'needs_value', argument: name };
  if (name === '--url') return readUrl(value);
  return name === '--interval' ? readInterval(value) : readWindow(value);
}

function readUrl(value: string): Partial<Options> | ArgumentMistake {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isPlain = url !== undefined && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.search}${url.hash}` === '';
  // The address is not repeated: it may hold a password.
  return isPlain ? { url: url.href.replace(/\/+$/, '') } : { kind: 'bad_url', argument: '--url' };
}

function readInterval(value: string): Partial<Options> | ArgumentMistake {
  const seconds = value.trim() === '' ? Number.NaN : Number(value);
  const fits = seconds >= INTERVAL_SECONDS.min && seconds <= INTERVAL_SECONDS.max;
  return fits ? { intervalMs: seconds * 1000 } : { kind: 'bad_interval', argument: value };
}

function readWindow(value: string): Partial<Options> | ArgumentMistake {
  const window = WINDOWS.find((name) => name === value);
  return window === undefined ? { kind: 'bad_window', argument: value } : { window };
}
