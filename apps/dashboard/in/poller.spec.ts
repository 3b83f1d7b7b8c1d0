import { describe, expect, it } from 'vitest';
import type { Answer } from '../core/answer.js';
import { fakeDocument } from '../core/document.fixture.js';
import { poll } from './poller.js';

const data: Answer = { ok: true, document: fakeDocument(), text: '' };
const failure: Answer = { ok: false, problem: { kind: 'refused' } };

describe('poll', () => {
  it('asks again after answers and after failures, one question at a time, until it is stopped', async () => {
    const stop = new AbortController();
    const answers = [data, data, failure, data];
    const seen: boolean[] = [];
    let open = 0;
    await poll(
      async () => {
        open += 1;
        expect(open).toBe(1);
        await Promise.resolve();
        open -= 1;
        return answers[seen.length]!;
      },
      1,
      (answer) => {
        seen.push(answer.ok);
        if (seen.length === answers.length) stop.abort();
      },
      stop.signal,
    );
    expect(seen).toEqual([true, true, false, true]);
  });

  it('ends at once when it is stopped between two questions, however long the interval', async () => {
    const stop = new AbortController();
    let handled = 0;
    const ended = poll(
      () => Promise.resolve(data),
      3_600_000,
      () => {
        handled += 1;
        setImmediate(() => stop.abort());
      },
      stop.signal,
    );
    await ended;
    expect(handled).toBe(1);
  });

  it('does not hand on an answer that came after the stop', async () => {
    const stop = new AbortController();
    const handled: Answer[] = [];
    await poll(
      async () => {
        stop.abort();
        return await Promise.resolve(failure);
      },
      1,
      (answer) => handled.push(answer),
      stop.signal,
    );
    expect(handled).toEqual([]);
  });
});
