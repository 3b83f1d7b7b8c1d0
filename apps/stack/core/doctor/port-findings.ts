import { fail, ok, warn, type Finding } from './finding.js';
import type { HttpLook } from './http-look.js';
import { processIn, troubleIn, type ProcessName } from './processes.js';

/** Where a process is to listen. */
export interface ListenFacts {
  readonly app: ProcessName;
  /** The setting of the port. */
  readonly setting: string;
  readonly host: string;
  /** 0 for any. */
  readonly port: number;
  readonly state: 'free' | 'taken' | 'forbidden' | 'no_address';
  /** What whoever has taken it answers. */
  readonly occupant: HttpLook | undefined;
}

const CHECK = 'port';

export function portFindings(places: readonly ListenFacts[]): readonly Finding[] {
  return [...places.map((place) => placeFinding(place)), ...clashesIn(places)];
}

function placeFinding({ app, setting, host, port, state, occupant }: ListenFacts): Finding {
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (port === 0) return ok(CHECK, `the ${app} takes any free port`);
  if (state === 'free') return ok(CHECK, `${place} is free for the ${app}`);
  if (state === 'taken') return takenFinding(place, app, setting, occupant);
  if (state === 'forbidden')
    return fail(CHECK, `${place} may not be opened by this user, for the ${app}`, `set ${setting} to 1024 or more`);
  const found = `${host} is not an address of this machine, for the ${app}`;
  return fail(CHECK, found, 'set HOST to 127.0.0.1, 0.0.0.0 or an own address');
}

function takenFinding(place: string, app: ProcessName, setting: string, occupant: HttpLook | undefined): Finding {
  const other = occupant && processIn(occupant);
  if (other === app) {
    const trouble = occupant && troubleIn(occupant);
    if (trouble === undefined) return ok(CHECK, `${place}: the ${app} already runs`);
    return warn(CHECK, `${place}: the ${app} already runs, and ${trouble}`, 'see the other lines here, and its log');
  }
  const who = other === undefined ? 'something else' : `the ${other} of an Inferometer`;
  return fail(CHECK, `${place} is taken by ${who}, so the ${app} cannot start there`, `end it, or set ${setting} to another port`);
}

/** Two of ours that are to have one port. */
function clashesIn(places: readonly ListenFacts[]): readonly Finding[] {
  return places.flatMap(({ app, setting, port }, index) => {
    const first = places.slice(0, index).find((earlier) => earlier.port === port && port !== 0);
    if (!first) return [];
    return [fail(CHECK, `the ${first.app} and the ${app} are to have the same port ${port}`, `set ${setting} to another port`)];
  });
}
