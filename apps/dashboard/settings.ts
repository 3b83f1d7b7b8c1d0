import type { Environment, Locale } from '#libs/runtime';

/** What the environment says. The types alone come from the runtime: a short-lived command need not load a web server. */
export interface DashboardSettings {
  /** Undefined where `LOCALE` names a language that is not spoken here. */
  readonly locale: Locale | undefined;
  readonly apiToken: string | undefined;
  /** Colours asked for or refused; undefined where the environment leaves it to the terminal. */
  readonly colored: boolean | undefined;
  /** False for a terminal that knows no cursor moves. */
  readonly canMove: boolean;
}

/** Reads the environment; an empty variable counts as unset. `FORCE_COLOR` goes before `NO_COLOR`, as elsewhere in Node. */
export function dashboardSettings(env: Environment): DashboardSettings {
  const set = (name: string) => env[name]?.trim() || undefined;
  const locale = set('LOCALE') ?? 'en';
  return {
    locale: locale === 'en' || locale === 'zh' ? locale : undefined,
    apiToken: set('API_TOKEN'),
    colored: colorChoice(set('FORCE_COLOR'), set('NO_COLOR')),
    canMove: env['TERM'] !== 'dumb',
  };
}

function colorChoice(force: string | undefined, refuse: string | undefined): boolean | undefined {
  if (force !== undefined) return force !== '0' && force !== 'false';
  return refuse === undefined ? undefined : false;
}
