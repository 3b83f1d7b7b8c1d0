import { counted } from './amounts.js';
import { fail, ok, warn, type Finding } from './finding.js';

export interface SettingsFacts {
  /** What the processes have to say against their settings; never a secret's value. */
  readonly problems: readonly { readonly name: string; readonly message: string }[];
  /** What is allowed, and worth knowing. */
  readonly warnings: readonly string[];
  /** How many settings there are, and how many of them are set. */
  readonly known: number;
  readonly set: number;
}

const CHECK = 'settings';

export function settingsFindings({ problems, warnings, known, set }: SettingsFacts): readonly Finding[] {
  const faults = problems.map(({ name, message }) => fail(CHECK, `${name}: ${message}`, `set ${name} as docs/settings.md says`));
  const notes = warnings.map((note) => warn(CHECK, note, adviceOn(note)));
  if (faults.length > 0) return [...faults, ...notes];
  return [ok(CHECK, `${set} of ${counted(known, 'setting')} set, none of them wrong`), ...notes];
}

function adviceOn(note: string): string {
  const meant = /did you mean (\w+)\?/.exec(note)?.[1];
  if (meant !== undefined) return `rename it to ${meant}, or leave it if it is somebody else's`;
  if (note.includes('API_TOKEN')) return 'set API_TOKEN, or HOST to 127.0.0.1';
  if (note.includes('EVENT_LOG_TLS')) return 'set EVENT_LOG_TLS=on, or use scram-sha-512';
  return 'see docs/settings.md';
}

/** A file that a setting names. */
export interface FileFacts {
  readonly setting: string;
  readonly path: string;
  /** What is in it, for people; undefined where it is of no use. */
  readonly contents: string | undefined;
  /** Why it is of no use, or of little. */
  readonly problem?: string | undefined;
  readonly mend?: string | undefined;
}

export function fileFinding({ setting, path, contents, problem, mend }: FileFacts): Finding {
  const what = `${setting} ${path}`;
  if (contents === undefined)
    return fail(CHECK, `${what}: ${problem ?? 'it cannot be read'}`, mend ?? `mend the file, or unset ${setting}`);
  if (problem !== undefined) return warn(CHECK, `${what}: ${problem}`, mend ?? 'mend the file');
  return ok(CHECK, `${what}: ${contents}`);
}
