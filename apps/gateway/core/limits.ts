import type { AdmissionLimits } from './admission.js';
import { isJsonObject } from './json.js';

interface Field {
  readonly name: string;
  readonly member: keyof AdmissionLimits;
  readonly min: number;
}

/** By their names on `/admin/limits`. 0 is no limit for a tenant. */
const FIELDS: readonly Field[] = [
  { name: 'max_concurrent_requests', member: 'maxConcurrent', min: 1 },
  { name: 'max_queue_size', member: 'maxQueue', min: 0 },
  { name: 'max_concurrent_per_tenant', member: 'maxConcurrentPerTenant', min: 0 },
  { name: 'max_queue_per_tenant', member: 'maxQueuePerTenant', min: 0 },
];
const MAX = 1_000_000;

export type LimitsChange = { readonly ok: true; readonly limits: AdmissionLimits } | { readonly ok: false; readonly problem: string };

/** `limits` with what `change` says; its other members stay. The problem is one sentence for the operator. */
export function changedLimits(limits: AdmissionLimits, change: unknown): LimitsChange {
  if (!isJsonObject(change)) return { ok: false, problem: 'The limits must be a JSON object.' };
  const unknown = Object.keys(change).find((key) => !FIELDS.some(({ name }) => name === key));
  if (unknown !== undefined)
    return { ok: false, problem: `A limit has an unknown name; allowed: ${FIELDS.map(({ name }) => name).join(', ')}.` };
  let changed = limits;
  for (const { name, member, min } of FIELDS) {
    if (!Object.hasOwn(change, name)) continue;
    const value = change[name];
    const fits = typeof value === 'number' && Number.isInteger(value) && value >= min && value <= MAX;
    if (!fits) return { ok: false, problem: `${name} must be a whole number from ${min} to ${MAX}.` };
    changed = { ...changed, [member]: member.endsWith('PerTenant') && value === 0 ? undefined : value };
  }
  return { ok: true, limits: changed };
}

/** What `/admin/limits` shows. */
export function limitsDocument(limits: AdmissionLimits): Readonly<Record<string, number>> {
  return Object.fromEntries(FIELDS.map(({ name, member }) => [name, limits[member] ?? 0]));
}
