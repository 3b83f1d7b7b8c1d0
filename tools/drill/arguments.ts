import { parseArgs } from 'node:util';
import { DRILLS, type DrillName } from './drills.js';

/** What the command line asks for. */
export interface DrillArguments {
  readonly names: readonly DrillName[];
  /** A running system to work on; without it one is started. */
  readonly url: string | undefined;
  readonly modelServerUrl: string;
  /** How many times shorter than shipped the durations of Prometheus's rules are. */
  readonly scale: number;
  readonly timeoutMs: number;
}

/** A mistake on the command line; exit code 2. */
export class UsageError extends Error {}

const NAMES = Object.keys(DRILLS) as readonly DrillName[];
const DEFAULT_SCALE = 60;
const MAX_SCALE = 300;
const MAX_TIMEOUT_SECONDS = 86_400;

export const USAGE = `Usage: npm run drill -- NAME… [options]

Makes a condition happen, waits for its alerts to fire, takes it away and waits for them to clear: the built-in alert, and, where the
program "prometheus" is in PATH, the alerts of deploy/prometheus/rules. Prints a timeline. Exit code 0: all fired and cleared; 1: not; 2: usage.

${NAMES.map((name) => `  ${name.padEnd(8)} ${DRILLS[name].about}`).join('\n')}
  all      all of them, one after another

Without --url, everything runs here on free ports: an aggregator, a gateway, a GPU probe, a simulated model server, a Prometheus.

  --scale N         Prometheus's rules wait minutes on purpose. Their "for" and their windows are divided by N, windows to no less than
                    3 s: from 1 (as shipped) to ${MAX_SCALE} [${DEFAULT_SCALE}]
  --timeout S       longest time for one drill in seconds [120 + 1500 / N]
  --url URL         a running system in front of a simulated model server, by its gateway; not for gpu and blind, which stop a process
  --model-server U  with --url: its simulated model server [http://127.0.0.1:8001]
  --help            this text

API_TOKEN is sent to a system that is given with --url.`;

/** Reads the command line. `undefined`: help is asked for. Throws a UsageError that says what is wrong. */
export function readArguments(args: readonly string[]): DrillArguments | undefined {
  const { values, positionals } = parse(args);
  if (values.help) return undefined;
  const names = namesOf(positionals);
  const url = values.url === undefined ? undefined : addressOf('--url', values.url);
  const away = names.filter((name) => DRILLS[name].needsOwnSystem);
  if (url !== undefined && away.length > 0) throw new UsageError(`${away.join(' and ')} cannot be done with --url: a process is stopped`);
  if (url === undefined && values['model-server'] !== undefined) throw new UsageError('--model-server goes with --url');
  const scale = numberOf('--scale', values.scale ?? String(DEFAULT_SCALE), MAX_SCALE);
  const seconds = numberOf('--timeout', values.timeout ?? String(120 + 1500 / scale), MAX_TIMEOUT_SECONDS);
  const modelServerUrl = addressOf('--model-server', values['model-server'] ?? 'http://127.0.0.1:8001');
  return { names, url, modelServerUrl, scale, timeoutMs: seconds * 1000 };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { url: text, 'model-server': text, scale: text, timeout: text, help: { type: 'boolean' } },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function namesOf(words: readonly string[]): readonly DrillName[] {
  if (words.length === 0) throw new UsageError(`name a drill: ${NAMES.join(', ')} or all`);
  if (words.length === 1 && words[0] === 'all') return NAMES;
  return words.map((word) => {
    const name = NAMES.find((known) => known === word);
    if (name) return name;
    throw new UsageError(`there is no drill "${word}": ${NAMES.join(', ')} or all`);
  });
}

function numberOf(option: string, text: string, max: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 1 && value <= max) return value;
  throw new UsageError(`${option} is a number from 1 to ${max}, not "${text}"`);
}

function addressOf(option: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text.replace(/\/+$/, '');
  throw new UsageError(`${option} is an http:// or https:// address, not "${text}"`);
}
