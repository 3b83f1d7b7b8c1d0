import { topicsOf } from '#libs/contracts';
import { openEventLog, type EventLog } from '#libs/event-log';
import { SettingsError, type Environment, type EventLogSettings } from '#libs/runtime';
import { topicsFor } from '../core/selection.js';
import { printable } from '../core/summary.js';
import { columnFormat, jsonFormat } from '../out/line-format.js';
import { tailSettings } from '../settings.js';
import { readArguments, type Options } from './arguments.js';
import { printTopic, type Printing } from './following.js';
import { usage } from './usage.js';

/** Where a command writes. */
export interface Terminal {
  /** Takes whole lines. Resolves when more may be written, or `stop` is aborted. */
  print(text: string, stop: AbortSignal): Promise<void>;
  /** Takes a line for the operator, without its end. */
  say(line: string): void;
  readonly colored: boolean;
}

/**
 * Prints events until `stop` is aborted, and returns the exit code: 0 then, or when `--once` is through; 1 if the log fails;
 * 2 if the arguments or the settings are wrong, or the log cannot be opened.
 */
export async function tailCommand(args: readonly string[], env: Environment, terminal: Terminal, stop: AbortSignal): Promise<number> {
  const say = (text: string): void => terminal.say(`tail: ${printable(text)}`);
  const command = readArguments(args, Date.now());
  if (command.kind === 'help') {
    await terminal.print(`${usage()}\n`, stop);
    return 0;
  }
  if (command.kind === 'mistake') {
    say(`${command.message}; see --help`);
    return 2;
  }
  try {
    const { settings, warnings } = tailSettings(env);
    for (const warning of warnings) say(warning);
    await tail(settings, { ...formatted(command.options, terminal), print: (text, until) => terminal.print(text, until), say }, stop);
    return 0;
  } catch (error) {
    for (const line of problemsOf(error)) say(line);
    return error instanceof Error && 'exitCode' in error ? 2 : 1;
  }
}

function formatted({ json, ...options }: Options, { colored }: Terminal): Omit<Printing, 'print' | 'say'> {
  return { ...options, format: json ? jsonFormat : columnFormat(colored) };
}

async function tail(settings: EventLogSettings, printing: Printing, stop: AbortSignal): Promise<void> {
  const log = await openEventLog(settings, { mustExist: true });
  const topics = topicsOf(settings.topicPrefix);
  const names = topicsFor(printing.selection).map((input) => topics[input].name);
  try {
    await printTopics(log, names, printing, stop);
  } finally {
    await log.close();
  }
}

/** All of them, until one fails. */
async function printTopics(log: EventLog, names: readonly string[], printing: Printing, stop: AbortSignal): Promise<void> {
  const failure = new AbortController();
  const ending = AbortSignal.any([stop, failure.signal]);
  try {
    await Promise.all(names.map((name) => printTopic(log, name, printing, ending)));
  } finally {
    failure.abort();
  }
}

function problemsOf(error: unknown): readonly string[] {
  if (error instanceof SettingsError) return error.problems.map(({ name, message }) => `${name}: ${message}`);
  if (!(error instanceof Error)) return [String(error)];
  // Brokers that are away are plain errors; what only a mistake of ours can throw is told with its place.
  const isOurs = error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
  return isOurs && error.stack !== undefined ? error.stack.split('\n') : [error.message];
}
