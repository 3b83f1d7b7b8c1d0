import { eventLogSettings, SettingsReader, type Environment, type EventLogSettings } from '#libs/runtime';

/** What the environment says, and what the operator should know of it. Throws SettingsError. */
export function tailSettings(env: Environment): { readonly settings: EventLogSettings; readonly warnings: readonly string[] } {
  const read = new SettingsReader(env);
  const settings = eventLogSettings(read);
  if (settings.url === 'memory:') read.refuse('EVENT_LOG_URL', 'memory: holds nothing; name the log of the running system', undefined);
  return { settings: read.finish(settings), warnings: read.warnings() };
}

/** One line for each variable that is read. */
export function settingsHelp(): string {
  const read = new SettingsReader({});
  eventLogSettings(read);
  return read.help();
}

/** False where colours are not wanted (no-color.org), or not understood. */
export function wantsColors(env: Environment): boolean {
  return !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}
