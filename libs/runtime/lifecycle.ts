import { Logger } from './logger.js';
import { SettingsError, SettingsReader, StartError, type Environment } from './settings.js';

/** A started app. */
export interface RunningApp {
  /** Readiness off, no new work, finish what runs, flush, release. Called once. */
  drain(): Promise<void>;
  /** Resolves with the cause if the app dies by itself; absent where it cannot. */
  readonly failed?: Promise<Error>;
}

export interface MainOptions<Settings> {
  /** The process's name in logs and in `--help`. */
  readonly name: string;
  readonly about: string;
  readonly settings: (read: SettingsReader) => Settings;
  readonly start: (settings: Settings, logger: Logger) => Promise<RunningApp>;
  /** Arguments that are allowed beside `--help`. */
  readonly flags?: readonly string[];
  readonly env?: Environment;
  readonly args?: readonly string[];
}

/**
 * Runs one process to its end. SIGTERM and SIGINT drain, a second one forces.
 * Exit codes: 0 after a clean drain, 1 a failure at run time, 2 wrong settings, or a failure that the operator can mend, at the start or later.
 */
export async function runMain<Settings extends { readonly logLevel: Logger['level'] }>(options: MainOptions<Settings>): Promise<void> {
  const read = new SettingsReader(options.env ?? process.env);
  try {
    const args = options.args ?? process.argv.slice(2);
    if (args.includes('--help')) {
      console.log(helpText(options));
      return;
    }
    refuseUnknown(args, ['--help', ...(options.flags ?? [])]);
    const settings = options.settings(read);
    const logger = new Logger(options.name, settings.logLevel);
    for (const warning of read.warnings()) logger.warn(warning);
    const signalled = firstSignal(logger);
    await untilStopped(await options.start(settings, logger), signalled, logger);
  } catch (error) {
    process.exitCode = report(options.name, error);
  }
  process.exit();
}

function refuseUnknown(args: readonly string[], allowed: readonly string[]): void {
  const unknown = args.find((arg) => !allowed.includes(arg));
  if (unknown !== undefined) throw new StartError(`unknown argument ${unknown}; allowed: ${allowed.join(', ')}`);
}

function helpText<Settings>(options: MainOptions<Settings>): string {
  const read = new SettingsReader({});
  try {
    options.settings(read);
  } catch (error) {
    // Required settings are missing here, but all have been declared.
    if (!(error instanceof SettingsError)) throw error;
  }
  return `${options.name}: ${options.about}\n\nSettings (environment variables) [default]:\n${read.help()}`;
}

/** Prints the cause and returns the exit code: the error's own, else 1. */
function report(name: string, error: unknown): number {
  if (error instanceof SettingsError) {
    for (const problem of error.problems) console.error(`${name}: ${problem.name}: ${problem.message}`);
    return error.exitCode;
  }
  const exitCode = exitCodeOf(error);
  console.error(`${name}: ${exitCode !== undefined ? (error as Error).message : error instanceof Error ? error.stack : String(error)}`);
  return exitCode ?? 1;
}

/** Errors that the operator can mend bring an exit code; their message says all. */
function exitCodeOf(error: unknown): number | undefined {
  return error instanceof Error && 'exitCode' in error && typeof error.exitCode === 'number' ? error.exitCode : undefined;
}

async function untilStopped(app: RunningApp, signalled: Promise<void>, logger: Logger): Promise<void> {
  const cause = await (app.failed ? Promise.race([signalled, app.failed]) : signalled);
  if (cause) logger.error(exitCodeOf(cause) === undefined ? cause : cause.message);
  process.exitCode = cause ? (exitCodeOf(cause) ?? 1) : 0;
  await app.drain();
}

/** Resolves at the first SIGINT or SIGTERM, also one that comes while the app starts; the second one ends the process with exit code 1. */
function firstSignal(logger: Logger): Promise<void> {
  return new Promise((resolve) => {
    let isFirst = true;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (!isFirst) process.exit(1);
        isFirst = false;
        logger.info(`${signal}: draining; once more to force`);
        resolve();
      });
    }
  });
}
