import { describe, expect, it } from 'vitest';
import { EventLogError, EventLogOpenError, type EventLog } from './event-log.js';
import { prepareTopics, type PrepareOptions } from './prepare-topics.js';

/** A log whose topics cannot be ensured until every failure was thrown; and what was said meanwhile. */
async function prepare(failures: Error[], options: PrepareOptions = {}) {
  const said: string[] = [];
  const left = [...failures];
  const log = {
    async ensureTopics() {
      const failure = left.shift();
      if (failure) throw failure;
    },
  };
  const say = (text: string): void => void said.push(text);
  const outcome = await prepareTopics(log as unknown as EventLog, [], { info: say, warn: say }, options).catch((error: unknown) => error);
  return { outcome, said, left };
}

describe('preparing topics', () => {
  it('says nothing where nothing is wrong', async () => {
    expect(await prepare([])).toEqual({ outcome: undefined, said: [], left: [] });
  });

  it('tries on while the log is away, and says so once', async () => {
    const { outcome, said } = await prepare([new Error('no broker'), new Error('no broker')]);
    expect(outcome).toBeUndefined();
    expect(said).toEqual([
      expect.stringMatching(/no broker; trying on, next at \S+Z$/),
      'the event log can be used again, and its topics are there',
    ]);
  });

  it('gives up what is pointless, and what the operator has to mend', async () => {
    for (const cause of [new EventLogError('closed'), new EventLogOpenError('wrong policy')]) {
      expect(await prepare([cause])).toEqual({ outcome: cause, said: [], left: [] });
    }
  });

  it('insists, if asked to, on what the operator may mend', async () => {
    const { outcome, said } = await prepare([new EventLogOpenError('wrong password')], { insistent: true });
    expect([outcome, said[0]]).toEqual([undefined, expect.stringContaining('wrong password')]);
    const closed = new EventLogError('closed');
    expect(await prepare([closed], { insistent: true })).toMatchObject({ outcome: closed });
  });

  it('ends when it is told to', async () => {
    const { outcome } = await prepare([new Error('no broker')], { signal: AbortSignal.timeout(20) });
    expect(outcome).toBeInstanceOf(EventLogError);
  });
});
