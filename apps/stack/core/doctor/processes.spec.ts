import { describe, expect, it } from 'vitest';
import { answer, failed, HEALTH, models } from './http-look.fixture.js';
import { PROCESSES, processIn, troubleIn } from './processes.js';

describe('an answer', () => {
  it.each(PROCESSES)('is known for that of the %s', (process) => {
    expect(processIn(HEALTH[process])).toBe(process);
  });

  it.each([[answer(undefined)], [answer('ok')], [answer([])], [answer({ status: 'ok' })], [models('a')], [failed('silent')]])(
    'of a stranger is not: %j',
    (look) => {
      expect(processIn(look)).toBeUndefined();
    },
  );

  it('of the door before them is known, too', () => {
    const looks = ['no_gateway', 'no_aggregator', 'toString'].map((code) => answer({ error: { code } }, 503));
    expect(looks.map((look) => processIn(look))).toEqual(['gateway', 'aggregator', undefined]);
    expect(looks.map((look) => troubleIn(look))).toEqual([
      'the door before it says that none is ready',
      'the door before it says that none is ready',
      undefined,
    ]);
  });
});
