import { EventSource } from '#libs/contracts';
import { describe, expect, it } from 'vitest';
import { eventsOf, heartbeat, onePlanned, START_MS } from '../../../test/support/traffic.js';
import { STREAMED_TYPES, typesNamed, USUAL_TYPES } from './event-types.js';
import { selects, topicsFor, type Selection } from './selection.js';

const gateway = new EventSource('/gateways/g', 'boot');
const events = [
  ...eventsOf(onePlanned({ id: 'a', model: 'm', tenant: 'blue', end: 'completed' }), gateway, 0, START_MS),
  ...eventsOf(onePlanned({ id: 'b', model: 'n', tenant: 'red', end: 'failed' }), gateway, 0, START_MS),
  ...eventsOf(onePlanned({ id: 'c', model: 'm', end: 'cancelled' }), gateway, 0, START_MS),
  heartbeat(gateway, 0, START_MS),
];

const selection = (parts: Partial<Selection>): Selection => ({ types: USUAL_TYPES, models: [], tenants: [], requests: [], ...parts });

function shown(parts: Partial<Selection>): readonly string[] {
  const found = events.filter((event) => selects(selection(parts), event));
  return found.map((event) => `${event.subject} ${event.type.split('.').at(-2)}`);
}

describe('a selection', () => {
  it('shows every request, and no heartbeat', () => {
    expect(shown({})).toHaveLength(events.length - 1);
  });

  it.each([
    [{ types: typesNamed('completed') }, ['a completed']],
    [{ models: ['n'] }, ['b received', 'b started', 'b failed']],
    [{ tenants: ['blue', 'red'], types: typesNamed('received') }, ['a received', 'b received']],
    [{ requests: ['c'], models: ['m'] }, ['c received', 'c started', 'c cancelled']],
    [{ requests: ['c'], models: ['n'] }, []],
    [{ types: typesNamed('heartbeat') }, ['/gateways/g heartbeat']],
    [{ types: STREAMED_TYPES, models: ['nothing'] }, []],
  ])('of %j', (parts, expected) => {
    expect(shown(parts)).toEqual(expected);
  });

  it.each([
    [{}, ['requests', 'gpus']],
    [{ types: typesNamed('read') }, ['gpus']],
    [{ types: typesNamed('completed') }, ['requests']],
    [{ models: ['m'] }, ['requests']],
    [{ types: typesNamed('read'), tenants: ['blue'] }, []],
  ])('of %j reads only the topics that it needs', (parts, expected) => {
    expect(topicsFor(selection(parts))).toEqual(expected);
  });
});
