import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ValueFamily } from './families.js';
import { LabelSet } from './label-set.js';
import { compress, render } from './render.js';
import { write } from './write.js';

const gunzipped = promisify(gunzip);

/** Some ten chunks. */
const LARGE: ValueFamily = {
  head: { name: 'large', type: 'gauge', help: 'Large.' },
  samples: Array.from({ length: 700 }, (_unused, index) => ({
    labels: new LabelSet({ index: `${'é'.repeat(1000)}${index}` }),
    value: index,
  })),
};
const CHUNKS = [...write([LARGE], 'openmetrics')];
const TEXT = Buffer.from(CHUNKS.join(''));
/** A line of LARGE has some 1,020 characters. */
const SAMPLES_PER_CHUNK = 65;

/** Counts the turns that others have until `isOver`. */
class Turns {
  count = 0;

  constructor(private readonly isOver: () => boolean) {
    setImmediate(() => this.next());
  }

  private next(): void {
    this.count += 1;
    if (!this.isOver()) setImmediate(() => this.next());
  }
}

async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let isOver = false;
  const turns = new Turns(() => isOver);
  await work().finally(() => (isOver = true));
  return turns.count;
}

/** How many samples are read in each turn while `LARGE` is rendered. */
async function readsPerTurn(options?: { readonly sliceMs: number }): Promise<readonly number[]> {
  const reads: number[] = [];
  let isOver = false;
  const turns = new Turns(() => isOver);
  const samples = (function* () {
    for (const sample of LARGE.samples) {
      reads[turns.count] = (reads[turns.count] ?? 0) + 1;
      yield sample;
    }
  })();
  await render([{ head: LARGE.head, samples }], 'openmetrics', options);
  isOver = true;
  return reads;
}

/** A clock that says 1 ms more each time it is asked. */
function steppingClock(): void {
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 1));
}

describe('render', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('is what is written, in one piece', async () => {
    expect(CHUNKS.length).toBeGreaterThan(9);
    expect((await render([LARGE], 'openmetrics')).equals(TEXT)).toBe(true);
    expect(await render([], 'text')).toHaveLength(0);
  });

  it('lets others have their turn whenever a slice is over', async () => {
    steppingClock();
    const reads = await readsPerTurn({ sliceMs: 1 });
    expect(reads).toHaveLength(CHUNKS.length);
    expect(Math.max(...reads)).toBeLessThanOrEqual(SAMPLES_PER_CHUNK);
  });

  it('has slices of 5 ms if not told otherwise', async () => {
    steppingClock();
    const reads = await readsPerTurn();
    expect(reads.length).toBeGreaterThan(1);
    expect(reads[0]).toBeLessThanOrEqual(5 * SAMPLES_PER_CHUNK);
    expect(reads[0]).toBeGreaterThan(4 * SAMPLES_PER_CHUNK);
  });

  it('rejects with what reading the samples throws', async () => {
    const samples = (function* () {
      yield* LARGE.samples;
      throw new Error('gone');
    })();
    await expect(render([{ head: LARGE.head, samples }], 'text')).rejects.toThrow('gone');
  });
});

describe('compress', () => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a text', TEXT],
    ['what cannot be made smaller', randomBytes(300_000)],
  ])('can be undone for %s', async (_what, text) => {
    expect((await gunzipped(await compress(text))).equals(text)).toBe(true);
  });

  it('makes a text much smaller, and lets others have their turn meanwhile', async () => {
    const text = Buffer.concat(Array.from({ length: 10 }, () => TEXT));
    expect(await turnsDuring(() => compress(text))).toBeGreaterThan(1);
    expect((await compress(text)).length).toBeLessThan(text.length / 10);
  });
});
