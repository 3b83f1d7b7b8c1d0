import type { HttpLook } from './http-look.js';

/** The processes that can be looked at, as their commands call them. */
export const PROCESSES = ['gateway', 'aggregator', 'gpu-probe', 'model-server'] as const;
export type ProcessName = (typeof PROCESSES)[number];

/** What the door before several of them answers while none is there. */
const NOBODY_HOME = new Map<string, ProcessName>([
  ['no_gateway', 'gateway'],
  ['no_aggregator', 'aggregator'],
]);

type Members = Readonly<Record<string, unknown>>;

/** Where each says what it is. */
export const TOLD_AT: Readonly<Record<ProcessName, string>> = {
  gateway: '/health',
  aggregator: '/health',
  'gpu-probe': '/health',
  'model-server': '/v1/models',
};

/** Which process of ours gives such an answer; undefined for a stranger. */
export function processIn(look: HttpLook): ProcessName | undefined {
  if (!look.ok || !isObject(look.json)) return undefined;
  const { json } = look;
  if (isObject(json['limits']) && isObject(json['queue']) && isObject(json['event_log'])) return 'gateway';
  if ('view_age_seconds' in json && 'rollups_rejected' in json) return 'aggregator';
  if ('gpus' in json && 'reading_age_seconds' in json) return 'gpu-probe';
  const door = NOBODY_HOME.get(codeIn(json));
  if (door !== undefined) return door;
  const [model] = listIn(json);
  return isObject(model) && model['owned_by'] === 'inferometer' ? 'model-server' : undefined;
}

/** What a process of ours says of its own troubles; undefined if it has none. */
export function troubleIn(look: HttpLook): string | undefined {
  if (!look.ok || !isObject(look.json)) return undefined;
  const { status, event_log: log } = look.json;
  if (NOBODY_HOME.has(codeIn(look.json))) return 'the door before it says that none is ready';
  if (isObject(log) && log['connected'] === false) return 'its event log is not connected';
  return typeof status === 'string' && status !== 'ok' ? `it says that it is ${status}` : undefined;
}

/** The names in a list of models; undefined if it is none. */
export function modelsIn(look: HttpLook): readonly string[] | undefined {
  if (!look.ok || !isObject(look.json) || !Array.isArray(look.json['data'])) return undefined;
  return listIn(look.json).flatMap((model) => (isObject(model) && typeof model['id'] === 'string' ? [model['id']] : []));
}

function codeIn({ error }: Members): string {
  return isObject(error) && typeof error['code'] === 'string' ? error['code'] : '';
}

function listIn(json: Members): readonly unknown[] {
  return Array.isArray(json['data']) ? (json['data'] as unknown[]) : [];
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
