import { topicsOf } from '#libs/contracts';
import { EventLogOpenError, openEventLog, type EventLog, type StoredTopic, type TopicSpec } from '#libs/event-log';
import { eventLogSettings, SettingsError, SettingsReader, type Environment } from '#libs/runtime';
import { topicTable, type TopicRow } from '../core/topic-table.js';
import type { Terminal } from './replay-command.js';

export const TOPICS_USAGE = `Usage: npm run topics

Shows the topics of the event log that EVENT_LOG_URL names, and creates those that are missing.`;

/**
 * Runs `topics` and returns its exit code: 0 if every topic is there as it has to be, 1 if the log cannot be reached now,
 * 2 if a topic is wrong, or the settings are.
 */
export async function topicsCommand(args: readonly string[], env: Environment, terminal: Terminal): Promise<number> {
  if (args.includes('--help')) {
    terminal.out(TOPICS_USAGE);
    return 0;
  }
  if (args.length > 0) {
    terminal.error(TOPICS_USAGE);
    return 2;
  }
  try {
    const read = new SettingsReader(env);
    const settings = read.finish(eventLogSettings(read));
    const log = await openEventLog(settings);
    try {
      return await showAndCreate(log, Object.values(topicsOf(settings.topicPrefix)), terminal);
    } finally {
      await log.close();
    }
  } catch (error) {
    return failure(error, terminal);
  }
}

async function showAndCreate(log: EventLog, specs: readonly TopicSpec[], terminal: Terminal): Promise<number> {
  const names = specs.map(({ name }) => name);
  const before = await log.topics(names);
  try {
    await log.ensureTopics(specs);
  } catch (error) {
    if (!(error instanceof EventLogOpenError)) throw error;
    terminal.out(topicTable(specs.map((spec) => rowOf(spec, before, before))));
    throw error;
  }
  const after = await log.topics(names);
  terminal.out(topicTable(specs.map((spec) => rowOf(spec, before, after))));
  return 0;
}

function rowOf(spec: TopicSpec, before: readonly StoredTopic[], after: readonly StoredTopic[]): TopicRow {
  const stored = after.find(({ name }) => name === spec.name);
  if (!stored) return { ...spec, clock: 'log', state: 'missing' };
  return { ...stored, state: before.some(({ name }) => name === spec.name) ? 'there' : 'created' };
}

function failure(error: unknown, terminal: Terminal): number {
  if (error instanceof SettingsError) {
    for (const { name, message } of error.problems) terminal.error(`topics: ${name}: ${message}`);
    return error.exitCode;
  }
  terminal.error(`topics: ${error instanceof Error ? error.message : String(error)}`);
  return error instanceof EventLogOpenError ? error.exitCode : 1;
}
