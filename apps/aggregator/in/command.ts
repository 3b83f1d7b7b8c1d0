import { openEventLog, type EventLog } from '#libs/event-log';
import { SettingsError, SettingsReader, StartError, type Environment } from '#libs/runtime';
import { aggregatorSettings, type AggregatorSettings } from '../settings.js';

/** Where a command writes whole lines. */
export interface Terminal {
  out(text: string): void;
  error(text: string): void;
}

export interface Command {
  readonly name: string;
  readonly usage: string;
  readonly args: readonly string[];
  readonly env: Environment;
  readonly terminal: Terminal;
}

/**
 * Runs a command on the event log that the settings name, and returns its exit code: what `work` answers, 1 if the log fails, 2 if the
 * settings are wrong or the log cannot be opened.
 */
export async function runCommand(
  command: Command,
  work: (log: EventLog, settings: AggregatorSettings) => Promise<number>,
): Promise<number> {
  const { name, terminal } = command;
  try {
    const settings = settingsOf(command);
    const log = await openEventLog(settings.eventLog);
    try {
      return await work(log, settings);
    } finally {
      await log.close();
    }
  } catch (error) {
    for (const line of problemsOf(error)) terminal.error(`${name}: ${line}`);
    return error instanceof Error && 'exitCode' in error ? 2 : 1;
  }
}

/** Prints how the command is used. Returns the exit code. */
export function showUsage({ args, terminal, usage }: Command): number {
  const isAsked = args.includes('--help');
  if (isAsked) terminal.out(usage);
  else terminal.error(usage);
  return isAsked ? 0 : 2;
}

function settingsOf({ env }: Command): AggregatorSettings {
  const read = new SettingsReader(env);
  const settings = aggregatorSettings(read);
  if (settings.eventLog.url === 'memory:')
    throw new StartError('memory: holds nothing; EVENT_LOG_URL must name the log of the running system');
  return settings;
}

function problemsOf(error: unknown): readonly string[] {
  if (error instanceof SettingsError) return error.problems.map(({ name, message }) => `${name}: ${message}`);
  if (!(error instanceof Error)) return [String(error)];
  // Brokers that are away are plain errors; what only a mistake of ours can throw is told with its place.
  const isOurs = error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
  return [isOurs && error.stack !== undefined ? error.stack : error.message];
}
