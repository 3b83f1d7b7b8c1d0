import { EVENT_TYPES, shortName, type EventType } from '#libs/contracts';

/** The topics that are tailed. */
export type Input = 'requests' | 'gpus';

/** What stands in those topics: alert transitions have one of their own. */
export const STREAMED_TYPES = EVENT_TYPES.filter((type) => type !== 'io.inferometer.alert.changed.v1');

/** What is shown where no type is asked for: heartbeats come every second to every partition. */
export const USUAL_TYPES = STREAMED_TYPES.filter((type) => !type.includes('.heartbeat.'));

/** `io.inferometer.request.completed.v1` → `request.completed`. */
export function plainName(type: EventType): string {
  return shortName(type).replace(/\.v\d+$/, '');
}

/** The types that go by that name: whole, without `io.inferometer.`, without the version, or the last part alone. Empty for no name of ours. */
export function typesNamed(name: string): readonly EventType[] {
  return STREAMED_TYPES.filter((type) => type === name || shortName(type) === name || `.${plainName(type)}`.endsWith(`.${name}`));
}

export function isAboutRequest(type: EventType): boolean {
  return type.startsWith('io.inferometer.request.');
}

/** Where events of that type are. */
export function inputsOf(type: EventType): readonly Input[] {
  if (type === 'io.inferometer.gpu.read.v1') return ['gpus'];
  return type === 'io.inferometer.aggregator.heartbeat.v1' ? ['requests', 'gpus'] : ['requests'];
}
