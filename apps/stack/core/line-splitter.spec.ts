import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter, type Line } from './line-splitter.js';

function linesOf(chunks: readonly Uint8Array[], maxBytes = 100): Line[] {
  const splitter = new LineSplitter(maxBytes);
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()];
}

function textsOf(lines: readonly Line[]): (string | undefined)[] {
  return lines.map(({ bytes }) => (bytes ? Buffer.from(bytes).toString() : undefined));
}

describe('LineSplitter', () => {
  it('gives the same lines however the file is cut into pieces', () => {
    const texts = fc.array(
      fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replaceAll('\n', '')),
      { maxLength: 10 },
    );
    fc.assert(
      fc.property(texts, fc.boolean(), fc.array(fc.integer({ min: 1, max: 9 })), (lines, endsWithNewline, cuts) => {
        const bytes = Buffer.from(lines.join('\n') + (endsWithNewline && lines.length > 0 ? '\n' : ''));
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(bytes.subarray(at, at + cut));
          at += cut;
        }
        const expected = lines.at(-1) === '' && !endsWithNewline ? lines.slice(0, -1) : lines;
        const found = linesOf([...chunks, bytes.subarray(at)]);
        expect(textsOf(found)).toEqual(expected);
        expect(found.map(({ number }) => number)).toEqual(expected.map((_, index) => index + 1));
      }),
    );
  });

  it('keeps nothing of a line that is too long, and goes on with the next', () => {
    const chunks = ['short\n', 'x'.repeat(60), 'x'.repeat(60), 'tail\nnext\n', 'y'.repeat(101)].map((text) => Buffer.from(text));
    expect(textsOf(linesOf(chunks))).toEqual(['short', undefined, 'next', undefined]);
    expect(textsOf(linesOf([Buffer.from(`${'z'.repeat(100)}\n`)]))).toEqual(['z'.repeat(100)]);
  });

  it('gives nothing for an empty file', () => {
    expect(linesOf([])).toEqual([]);
    expect(linesOf([Buffer.alloc(0)])).toEqual([]);
  });
});
