import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellsOf, cutTo, padTo, type Line } from './cells.js';
import { widthOf } from './width.js';

const textOf = (line: Line) => line.map(({ text }) => text).join('');

describe('cellsOf', () => {
  it('gives a wide character two columns', () => {
    expect(cellsOf('a中', 'dim')).toEqual([
      { text: 'a', width: 1, style: 'dim' },
      { text: '中', width: 2, style: 'dim' },
      { text: '', width: 0, style: 'dim' },
    ]);
  });

  it.each([
    ['📊', 2],
    ['⏱️', 2],
    ['⏱', 1],
    ['e\u0301', 1],
    ['👨‍👩‍👧', 2],
    ['🇨🇳', 2],
    ['等待中', 6],
    ['██░░', 4],
    ['\u0301', 0],
  ])('counts the columns of %s', (text, columns) => {
    expect(cellsOf(text)).toHaveLength(columns);
  });

  it('lets no tower of accents into the frame', () => {
    expect(textOf(cellsOf(`a${'\u0301'.repeat(100)}b`))).toBe('\ufffdb');
  });

  it('has as many cells as columns for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const line = cellsOf(text);
        expect(line.reduce((sum, { width }) => sum + width, 0)).toBe(line.length);
        for (const { text: shown, width } of line) expect(widthOf(shown)).toBe(width);
      }),
    );
  });
});

describe('cutTo', () => {
  it.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdef', 5, 'abcd…'],
    ['等待中', 5, '等待…'],
    ['等待中', 4, '等… '],
    ['等待中', 1, '…'],
    ['等待中', 0, ''],
  ])('cuts %s to %i columns', (text, width, expected) => {
    expect(textOf(cutTo(cellsOf(text), width))).toBe(expected);
  });

  it('gives exactly the columns asked for, whatever is cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(40), (text, width) => {
        const cut = padTo(cutTo(cellsOf(text), width), width);
        expect(cut).toHaveLength(width);
        expect(cut.reduce((sum, cell) => sum + cell.width, 0)).toBe(width);
      }),
    );
  });
});
