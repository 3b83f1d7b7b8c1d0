/** One mistake in the settings: the variable, what it held (unless it is a secret) and what is allowed. */
export interface SettingProblem {
  readonly name: string;
  readonly message: string;
}

/** Thrown before anything starts. `main` prints every line and exits with code 2. */
export class SettingsError extends Error {
  readonly exitCode = 2;

  constructor(readonly problems: readonly SettingProblem[]) {
    super(problems.map(({ name, message }) => `${name}: ${message}`).join('\n'));
    this.name = 'SettingsError';
  }
}

/** A failure to start that the operator can mend (port in use, folder not writable). One clear line, exit code 2. */
export class StartError extends Error {
  readonly exitCode = 2;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable that a process reads, its default as text, and what it is about. */
export interface DeclaredSetting {
  readonly name: string;
  readonly fallback: string;
  readonly about: string;
}

/**
 * Reads the environment once and collects every mistake; `finish` throws them all together.
 * Values are never printed for variables declared as secret. An empty variable counts as unset.
 */
export class SettingsReader {
  private readonly problems: SettingProblem[] = [];
  private readonly declared: DeclaredSetting[] = [];
  private readonly notes = new Set<string>();

  constructor(private readonly env: Environment) {}

  text(name: string, fallback: string, about: string): string {
    return this.raw(name, fallback, about) ?? fallback;
  }

  optionalText(name: string, about: string): string | undefined {
    return this.raw(name, '(none)', about);
  }

  list(name: string, about: string): readonly string[] {
    const items = (this.raw(name, '(none)', about) ?? '').split(',').map((item) => item.trim());
    return items.filter((item) => item !== '');
  }

  number(name: string, fallback: number, range: { min: number; max: number; integer?: boolean }, about: string): number {
    const text = this.raw(name, String(fallback), about);
    if (text === undefined) return fallback;
    const value = Number(text);
    const fits = Number.isFinite(value) && value >= range.min && value <= range.max && (!range.integer || Number.isInteger(value));
    if (fits) return value;
    const kind = range.integer ? 'a whole number' : 'a number';
    return this.refuse(name, `"${text}" is not ${kind} from ${range.min} to ${range.max}`, fallback);
  }

  integer(name: string, fallback: number, range: { min: number; max: number }, about: string): number {
    return this.number(name, fallback, { ...range, integer: true }, about);
  }

  port(name: string, fallback: number, about: string): number {
    return this.integer(name, fallback, { min: 0, max: 65535 }, about);
  }

  oneOf<const T extends string>(name: string, allowed: readonly T[], fallback: T, about: string): T {
    const text = this.raw(name, fallback, `${about} (${allowed.join(', ')})`);
    if (text === undefined) return fallback;
    const found = allowed.find((value) => value === text);
    return found ?? this.refuse(name, `"${text}" is not one of ${allowed.join(', ')}`, fallback);
  }

  /** An absolute `http:` or `https:` address, without a trailing slash. */
  optionalUrl(name: string, about: string): string | undefined {
    const text = this.raw(name, '(none)', about);
    if (text === undefined) return undefined;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.protocol === 'http:' || url?.protocol === 'https:') return text.replace(/\/+$/, '');
    return this.refuse(name, 'not an http:// or https:// address', undefined);
  }

  /** Like `optionalUrl`, for an address that must be set; `example` is shown where it is not. */
  url(name: string, example: string, about: string): string {
    const found = this.problems.length;
    const url = this.optionalUrl(name, about);
    if (url === undefined && this.problems.length === found) this.refuse(name, `is required, for example ${example}`, undefined);
    return url ?? '';
  }

  /** Notes a mistake, once however many parts make it. */
  refuse<T>(name: string, message: string, fallback: T): T {
    const isKnown = this.problems.some((problem) => problem.name === name && problem.message === message);
    if (!isKnown) this.problems.push({ name, message });
    return fallback;
  }

  /** Notes something that is allowed but that the operator should know. */
  warn(note: string): void {
    this.notes.add(note);
  }

  /**
   * Reads the settings of one part of this process, in an environment of its own: `defaults` stand where this one says nothing,
   * `fixed` win over it. The part's mistakes join this reader's; then the answer is undefined, and `finish` throws.
   */
  section<T>(
    settings: (read: SettingsReader) => T,
    { defaults = {}, fixed = {} }: { defaults?: Environment; fixed?: Environment },
  ): T | undefined {
    const part = new SettingsReader({ ...defaults, ...this.env, ...fixed });
    try {
      return settings(part);
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      for (const { name, message } of error.problems) this.refuse(name, message, undefined);
      return undefined;
    } finally {
      const known = new Set(this.declared.map(({ name }) => name));
      for (const note of part.notes) this.notes.add(note);
      this.declared.push(...part.declared.filter(({ name }) => !known.has(name) && !(name in fixed)));
    }
  }

  /** Returns `values`, or throws a SettingsError that holds every problem found so far. */
  finish<T>(values: T): T {
    if (this.problems.length > 0) throw new SettingsError(this.problems);
    return values;
  }

  /** Every variable asked for so far, each once. */
  declarations(): readonly DeclaredSetting[] {
    return [...new Map(this.declared.map((setting) => [setting.name, setting])).values()];
  }

  /** The table that `--help` prints. */
  help(): string {
    const declared = this.declarations();
    const width = Math.max(...declared.map(({ name }) => name.length));
    return declared.map(({ name, fallback, about }) => `  ${name.padEnd(width)}  ${about} [${fallback}]`).join('\n');
  }

  /** What to log at the start: the notes, and variables that look like a misspelt setting. */
  warnings(): readonly string[] {
    return [...this.notes, ...this.suspects().map(({ name, meant }) => `${name} is not a setting; did you mean ${meant}?`)];
  }

  /** Variables that look like a misspelt setting: unknown, sharing a prefix with a known one and one edit away from it. */
  suspects(): readonly { readonly name: string; readonly meant: string }[] {
    const known = this.declarations().map(({ name }) => name);
    const prefixes = new Set(known.filter((name) => name.includes('_')).map(prefixOf));
    const unknown = Object.keys(this.env).filter((name) => name.includes('_') && !known.includes(name) && prefixes.has(prefixOf(name)));
    return unknown.flatMap((name) => {
      const meant = known.find((candidate) => isOneEditAway(name, candidate));
      return meant === undefined ? [] : [{ name, meant }];
    });
  }

  private raw(name: string, fallback: string, about: string): string | undefined {
    this.declared.push({ name, fallback, about });
    const value = this.env[name];
    return value === undefined || value.trim() === '' ? undefined : value.trim();
  }
}

function prefixOf(name: string): string {
  return name.slice(0, name.indexOf('_'));
}

/** True if one insertion, deletion, substitution or swap of neighbours turns `a` into `b`. */
export function isOneEditAway(a: string, b: string): boolean {
  if (a === b || Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  const swapped = a[start] === b[start + 1] && a[start + 1] === b[start] && a.slice(start + 2) === b.slice(start + 2);
  return (
    swapped || a.slice(start + 1) === b.slice(start + 1) || a.slice(start) === b.slice(start + 1) || a.slice(start + 1) === b.slice(start)
  );
}
