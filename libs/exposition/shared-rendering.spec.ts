import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { SharedRendering } from './shared-rendering.js';

/** Writes `text 1`, `text 2`, … and says how often. */
function counted() {
  const counts = { written: 0 };
  const write = () => {
    counts.written += 1;
    return Promise.resolve(Buffer.from(`text ${counts.written}`));
  };
  return { counts, write };
}

const failing = () => Promise.reject(new Error('gone'));

describe('SharedRendering', () => {
  it('writes once for fifty that ask at once, and compresses once', async () => {
    const { counts, write } = counted();
    const shared = new SharedRendering();
    const asked = Array.from({ length: 50 }, (_unused, index) => shared.get('v1', 'text', index % 2 === 0, write));
    const answers = await Promise.all(asked);
    expect(counts.written).toBe(1);
    expect(new Set(answers).size).toBe(2);
    expect(gunzipSync(answers[0]!).toString()).toBe('text 1');
    expect(answers[1]!.toString()).toBe('text 1');
  });

  it('gives the text again while the version stays', async () => {
    const { counts, write } = counted();
    const shared = new SharedRendering();
    const first = await shared.get(7, 'text', false, write);
    expect(await shared.get(7, 'text', false, write)).toBe(first);
    expect(counts.written).toBe(1);
  });

  it('writes each format by itself', async () => {
    const { write } = counted();
    const shared = new SharedRendering();
    const both = await Promise.all([shared.get(7, 'text', false, write), shared.get(7, 'openmetrics', false, write)]);
    expect(both.map(String)).toEqual(['text 1', 'text 2']);
  });

  it('writes anew for another version, compressed or not', async () => {
    const { write } = counted();
    const shared = new SharedRendering();
    await shared.get(1, 'text', true, write);
    expect(gunzipSync(await shared.get(2, 'text', true, write)).toString()).toBe('text 2');
    expect((await shared.get(1, 'text', false, write)).toString()).toBe('text 3');
  });

  it('gives those who wait what they asked for, whatever others ask for meanwhile', async () => {
    const gates = [Promise.withResolvers<Buffer>(), Promise.withResolvers<Buffer>()];
    const shared = new SharedRendering();
    const [first, second] = [shared.get(1, 'text', true, () => gates[0]!.promise), shared.get(2, 'text', true, () => gates[1]!.promise)];
    gates[1]!.resolve(Buffer.from('two'));
    gates[0]!.resolve(Buffer.from('one'));
    expect((await Promise.all([first, second])).map((text) => gunzipSync(text).toString())).toEqual(['one', 'two']);
  });

  it('fails all who wait, and tries again for the next', async () => {
    const { write } = counted();
    const shared = new SharedRendering();
    const asked = [shared.get(1, 'text', false, failing), shared.get(1, 'text', true, failing)];
    expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(gunzipSync(await shared.get(1, 'text', true, write)).toString()).toBe('text 1');
  });
});
