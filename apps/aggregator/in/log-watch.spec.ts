import { describe, expect, it } from 'vitest';
import { LogWatch } from './log-watch.js';

/** What is said of a log that is asked once a second and is there, or not. */
function saidOf(isThere: (second: number) => boolean, seconds: number): readonly string[] {
  const said: string[] = [];
  const watch = new LogWatch({ info: (message) => said.push(`info ${message}`), warn: (message) => said.push(`warn ${message}`) });
  for (let second = 0; second < seconds; second += 1) watch.notice(isThere(second), second * 1_000);
  return said;
}

describe('the watch over the event log', () => {
  it('says nothing while the log is there', () => {
    expect(saidOf(() => true, 200)).toEqual([]);
  });

  it('says at once that it has gone, then once a minute, and once that it is back', () => {
    expect(saidOf((second) => second < 5 || second >= 135, 300)).toEqual([
      'warn the event log is away: nothing is read or published until it is back',
      'warn the event log is away since 60 s: nothing is read or published until it is back',
      'warn the event log is away since 120 s: nothing is read or published until it is back',
      'info the event log is back after 130 s: reading and publishing go on',
    ]);
  });

  it('says so each time', () => {
    expect(saidOf((second) => second % 2 === 0, 4)).toHaveLength(3);
  });
});
