import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Output } from './output.js';

/** Whether the promise is settled when everything that is due has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const due = new Promise((resolve) => setImmediate(resolve));
  return Promise.race([promise.then(() => true), due.then(() => false)]);
}

describe('an output', () => {
  it('waits for a reader that is behind, and goes on when it has caught up', async () => {
    const stream = new PassThrough({ highWaterMark: 4 });
    const output = new Output(stream);
    const { signal } = new AbortController();
    expect(await isSettled(output.write('a', signal))).toBe(true);
    const second = output.write('bcdef', signal);
    expect(await isSettled(second)).toBe(false);
    const drained = once(stream, 'drain');
    stream.resume();
    await drained;
    expect(await isSettled(second)).toBe(true);
    expect(stream.listenerCount('drain')).toBe(0);
  });

  it('does not wait once it is stopped', async () => {
    const output = new Output(new PassThrough({ highWaterMark: 1 }));
    const stopping = new AbortController();
    const writing = output.write('abc', stopping.signal);
    expect(await isSettled(writing)).toBe(false);
    stopping.abort();
    expect(await isSettled(writing)).toBe(true);
    expect(await isSettled(output.write('abc', stopping.signal))).toBe(true);
  });
});
