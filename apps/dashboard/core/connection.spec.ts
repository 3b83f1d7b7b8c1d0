import { describe, expect, it } from 'vitest';
import { afterAnswer, NOT_CONNECTED, retryDelayMs } from './connection.js';
import { fakeDocument } from './document.fixture.js';

const data = { ok: true, document: fakeDocument(), text: '' } as const;
const failure = { ok: false, problem: { kind: 'refused' } } as const;

describe('afterAnswer', () => {
  it('keeps the last document through failures, with the time of its coming', () => {
    const lost = afterAnswer(afterAnswer(afterAnswer(NOT_CONNECTED, data, 100), failure, 200), failure, 300);
    expect(lost).toEqual({ latest: { document: data.document, receivedAtMs: 100 }, problem: { kind: 'refused' }, failures: 2 });
  });

  it('forgets the problem with the next document', () => {
    const back = afterAnswer(afterAnswer(NOT_CONNECTED, failure, 100), data, 200);
    expect(back).toEqual({ latest: { document: data.document, receivedAtMs: 200 }, failures: 0 });
  });
});

describe('retryDelayMs', () => {
  it.each([
    [1000, [1000, 1000, 2000, 4000, 5000, 5000]],
    [100, [500, 1000, 2000, 4000, 5000, 5000]],
    [60_000, [5000, 5000, 5000, 5000, 5000, 5000]],
  ])('grows from an interval of %i ms up to 5 s', (intervalMs, expected) => {
    expect([1, 2, 3, 4, 5, 2000].map((failures) => retryDelayMs(failures, intervalMs))).toEqual(expected);
  });
});
