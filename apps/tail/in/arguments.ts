import { parseArgs } from 'node:util';
import type { EventType } from '#libs/contracts';
import { plainName, STREAMED_TYPES, typesNamed, USUAL_TYPES } from '../core/event-types.js';
import { possibleTypes, type Selection } from '../core/selection.js';
import { startOf, type Start } from '../core/start-time.js';

/** What the command line asks for. */
export interface Options {
  readonly selection: Selection;
  readonly from: Start;
  /** End when everything that was there at the start is read. */
  readonly once: boolean;
  readonly json: boolean;
}

export type Command = { readonly kind: 'run'; readonly options: Options } | { readonly kind: 'help' } | Mistake;

interface Mistake {
  readonly kind: 'mistake';
  /** One line. It may repeat what was typed. */
  readonly message: string;
}

const MANY = { type: 'string', multiple: true } as const;
const OPTIONS = {
  type: MANY,
  model: MANY,
  tenant: MANY,
  request: MANY,
  from: { type: 'string' },
  once: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Reads the arguments after the program's name. Never throws. */
export function readArguments(args: readonly string[], nowMs: number): Command {
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    if (values.help) return { kind: 'help' };
    const { once = false, json = false } = values;
    const from = startOf(values.from ?? (once ? 'beginning' : 'now'), nowMs);
    if (from === undefined) return mistake(`--from must be beginning, now, a time like 2026-01-01T09:00:00Z or 15m, not "${values.from}"`);
    const names = (values.type ?? []).flatMap((list) => list.split(',')).map((name) => name.trim());
    const unknown = names.find((name) => typesNamed(name).length === 0);
    if (unknown !== undefined) return mistake(`--type "${unknown}" is none of ${STREAMED_TYPES.map(plainName).join(', ')}`);
    const types = names.length > 0 ? uniqueTypes(names) : USUAL_TYPES;
    const selection = { types, models: values.model ?? [], tenants: values.tenant ?? [], requests: values.request ?? [] };
    if (possibleTypes(selection).length === 0) return mistake('only events about requests have a model, a tenant or a request id');
    return { kind: 'run', options: { selection, from, once, json } };
  } catch (error) {
    return mistake(error instanceof Error ? error.message : String(error));
  }
}

function uniqueTypes(names: readonly string[]): readonly EventType[] {
  return [...new Set(names.flatMap(typesNamed))];
}

function mistake(message: string): Mistake {
  return { kind: 'mistake', message };
}
