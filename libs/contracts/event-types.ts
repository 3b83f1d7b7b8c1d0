/** Every event type, in the past tense and with its version. */
export const EVENT_TYPES = [
  'io.inferometer.request.received.v1',
  'io.inferometer.request.started.v1',
  'io.inferometer.request.first_token.v1',
  'io.inferometer.request.completed.v1',
  'io.inferometer.request.failed.v1',
  'io.inferometer.request.cancelled.v1',
  'io.inferometer.gateway.heartbeat.v1',
  'io.inferometer.aggregator.heartbeat.v1',
  'io.inferometer.gpu.read.v1',
  'io.inferometer.alert.changed.v1',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** The id of the JSON Schema of a type's event, as it stands in `dataschema` and in `schemas/`. */
export function schemaIdOf(type: EventType): string {
  return `urn:inferometer:schema:${shortName(type)}`;
}

/** `io.inferometer.request.completed.v1` → `request.completed.v1`. */
export function shortName(type: EventType): string {
  return type.slice('io.inferometer.'.length);
}
