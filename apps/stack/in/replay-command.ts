import { open, type FileHandle } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { topicsOf, type Topics } from '#libs/contracts';
import { openEventLog, type EventLog } from '#libs/event-log';
import { eventLogSettings, SettingsError, SettingsReader, StartError, type Environment, type EventLogSettings } from '#libs/runtime';
import { progressText, ReplayReport } from '../core/replay-report.js';
import { replayFile, type ReplayProgress, type ReplayTarget } from './replay-file.js';

/** Where a command writes. */
export interface Terminal {
  /** A whole line, or several. */
  out(text: string): void;
  error(text: string): void;
  /** Writes as it stands; absent where nobody watches. */
  readonly draw?: (text: string) => void;
}

interface Command {
  readonly file: string;
  readonly dryRun: boolean;
}

export const USAGE = `Usage: npm run replay -- FILE.ndjson [--dry-run]

Appends recorded events, one CloudEvent in JSON a line, to the event log that EVENT_LOG_URL names.
  --dry-run  reads and checks the file, appends nothing`;

const PROGRESS_EVERY_MS = 100;
const CLEAR_LINE = '\r\u001B[K';

/**
 * Runs `replay` and returns its exit code: 0 if every line was appended, 1 if some were refused or the log failed,
 * 2 if there is nothing to replay (no file, not readable) or the settings are wrong.
 */
export async function replayCommand(args: readonly string[], env: Environment, terminal: Terminal): Promise<number> {
  if (args.includes('--help')) {
    terminal.out(USAGE);
    return 0;
  }
  const command = commandOf(args);
  if (!command) {
    terminal.error(USAGE);
    return 2;
  }
  const report = new ReplayReport();
  try {
    return await replay(command, settingsOf(env, command), report, terminal);
  } catch (error) {
    return failure(error, report, terminal);
  }
}

function commandOf(args: readonly string[]): Command | undefined {
  try {
    const { positionals, values } = parseArgs({ args: [...args], allowPositionals: true, options: { 'dry-run': { type: 'boolean' } } });
    const [file, ...more] = positionals;
    return file === undefined || more.length > 0 ? undefined : { file, dryRun: values['dry-run'] === true };
  } catch {
    return undefined;
  }
}

function settingsOf(env: Environment, { dryRun }: Command): EventLogSettings {
  const read = new SettingsReader(env);
  const settings = eventLogSettings(read);
  if (settings.url === 'memory:' && !dryRun) read.refuse('EVENT_LOG_URL', 'memory: would be gone when the replay ends', undefined);
  return read.finish(settings);
}

async function replay({ file, dryRun }: Command, settings: EventLogSettings, report: ReplayReport, terminal: Terminal): Promise<number> {
  const topics = topicsOf(settings.topicPrefix);
  const handle = await openFile(file);
  const log = dryRun ? undefined : await openEventLog(settings);
  const startMs = performance.now();
  const progress = new ProgressLine(terminal, report);
  try {
    await log?.ensureTopics(Object.values(topics));
    await replayFile(handle, await targetOf(log, topics), report, (at) => progress.show(at));
  } finally {
    progress.clear();
    await handle.close();
    await log?.close();
  }
  terminal.out(report.text(file, dryRun ? 'would be appended' : 'appended', performance.now() - startMs));
  return report.refused > 0 ? 1 : 0;
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    const handle = await open(path);
    if (!(await handle.stat()).isDirectory()) return handle;
    await handle.close();
  } catch (error) {
    throw new StartError(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  throw new StartError(`cannot read ${path}: it is a folder`);
}

/** The partitions are those that the log has, which may be more than it would be created with. */
async function targetOf(log: EventLog | undefined, { requests, gpus }: Topics): Promise<ReplayTarget> {
  const sized = async ({ name, partitions }: Topics['requests']) => ({ name, partitions: log ? await log.partitions(name) : partitions });
  return { log, topics: { requests: await sized(requests), gpus: await sized(gpus) } };
}

function failure(error: unknown, report: ReplayReport, terminal: Terminal): number {
  if (error instanceof SettingsError) {
    for (const { name, message } of error.problems) terminal.error(`replay: ${name}: ${message}`);
    return error.exitCode;
  }
  terminal.error(`replay: ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof Error && 'exitCode' in error) return 2;
  terminal.error(`replay: stopped after ${report.events} events; starting it again counts none of them twice`);
  return 1;
}

/** One line that is written over and over, if somebody watches. */
class ProgressLine {
  private shownMs = -Infinity;

  constructor(
    private readonly terminal: Terminal,
    private readonly report: ReplayReport,
  ) {}

  show({ doneBytes, totalBytes }: ReplayProgress): void {
    const now = performance.now();
    if (!this.terminal.draw || now - this.shownMs < PROGRESS_EVERY_MS) return;
    this.shownMs = now;
    this.terminal.draw(`${CLEAR_LINE}${progressText(doneBytes, totalBytes, this.report.events)}`);
  }

  clear(): void {
    if (this.shownMs > 0) this.terminal.draw?.(CLEAR_LINE);
  }
}
