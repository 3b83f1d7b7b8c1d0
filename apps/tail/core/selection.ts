import type { EventType, InferometerEvent } from '#libs/contracts';
import { inputsOf, isAboutRequest, type Input } from './event-types.js';

/** Which events are shown. An empty list of models, tenants or requests asks for nothing. */
export interface Selection {
  readonly types: readonly EventType[];
  readonly models: readonly string[];
  readonly tenants: readonly string[];
  readonly requests: readonly string[];
}

/** The types of which there can be an event that is selected: only events about requests have a model, a tenant or a request id. */
export function possibleTypes({ types, models, tenants, requests }: Selection): readonly EventType[] {
  const isAny = models.length + tenants.length + requests.length === 0;
  return isAny ? types : types.filter(isAboutRequest);
}

/** The topics that have to be read. */
export function topicsFor(selection: Selection): readonly Input[] {
  return [...new Set(possibleTypes(selection).flatMap(inputsOf))];
}

export function selects({ types, models, tenants, requests }: Selection, event: InferometerEvent): boolean {
  if (!types.includes(event.type)) return false;
  const { model, tenant, request_id: request } = event.data as { model?: string; tenant?: string; request_id?: string };
  return isOne(models, model) && isOne(tenants, tenant) && isOne(requests, request);
}

function isOne(wanted: readonly string[], value: string | undefined): boolean {
  return wanted.length === 0 || (value !== undefined && wanted.includes(value));
}
