import { describe, expect, it } from 'vitest';
import { answer, failed, HEALTH } from './http-look.fixture.js';
import { portFindings, type ListenFacts } from './port-findings.js';

const spooling = answer({ status: 'ok', limits: {}, queue: {}, event_log: { connected: false } });

function place(more: Partial<ListenFacts> = {}): ListenFacts {
  return { app: 'gateway', setting: 'PORT', host: '::1', port: 8000, state: 'free', occupant: undefined, ...more };
}

describe('a port', () => {
  it.each([
    [{}, /^ok \[::1\]:8000 is free for the gateway$/],
    [{ port: 0 }, /^ok the gateway takes any free port$/],
    [{ state: 'forbidden', port: 80 }, /^fail .*may not be opened by this user.* → set PORT to 1024/],
    [{ state: 'no_address' }, /^fail ::1 is not an address of this machine.* → set HOST/],
    [{ state: 'taken', occupant: HEALTH.gateway }, /^ok .*: the gateway already runs$/],
    [{ state: 'taken', occupant: spooling }, /^warn .*already runs, and its event log is not connected/],
    [
      { state: 'taken', app: 'aggregator', occupant: answer({ status: 'degraded', view_age_seconds: 9, rollups_rejected: 0 }) },
      /^warn .*already runs, and it says that it is degraded/,
    ],
    [{ state: 'taken', occupant: HEALTH.aggregator }, /^fail .*is taken by the aggregator of an Inferometer, so the gateway/],
    [{ state: 'taken', occupant: answer('hello') }, /^fail .*is taken by something else.* → end it, or set PORT to another port/],
    [{ state: 'taken', occupant: failed('silent') }, /^fail .*is taken by something else/],
  ] as [Partial<ListenFacts>, RegExp][])('that is found to be %j', (more, line) => {
    const [{ verdict, found, mend } = expect.fail()] = portFindings([place(more)]);
    expect(`${verdict} ${found}${mend === undefined ? '' : ` → ${mend}`}`).toMatch(line);
  });

  it('may not be that of two', () => {
    const both = [place(), place({ app: 'aggregator', setting: 'AGGREGATOR_PORT' })];
    expect(portFindings(both).at(-1)).toMatchObject({
      verdict: 'fail',
      found: 'the gateway and the aggregator are to have the same port 8000',
    });
    expect(portFindings([place({ port: 0 }), place({ port: 0 })])).toHaveLength(2);
  });
});
