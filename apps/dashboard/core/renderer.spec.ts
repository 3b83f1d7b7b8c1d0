import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellsOf, padTo, type Cell, type Frame, type Style } from './cells.js';
import { FakeTerminal } from './terminal.fixture.js';
import { isCertain, paint, printed } from './renderer.js';

const ROWS = 6;
const COLUMNS = 40;
const CERTAIN = ['a', 'b', ' ', '中', '文', '█', '║', 'é'];
const UNCERTAIN = ['⏱️', '📊', '👨‍👩‍👧', '👍🏽', '🇨🇳', 'e\u0301', '\ufffd'];
const STYLES: readonly Style[] = ['plain', 'dim', 'critical'];

/** Frames of up to six lines that end with a border, as all of ours do. */
function framesOf(texts: readonly string[]): fc.Arbitrary<Frame> {
  const piece = fc.tuple(fc.constantFrom(...texts), fc.constantFrom(...STYLES));
  const line = fc
    .array(piece, { maxLength: 12 })
    .map((pieces) => [...pieces.flatMap(([text, style]) => cellsOf(text, style)), ...cellsOf('║')]);
  return fc.array(line, { maxLength: ROWS });
}

function showing(frame: Frame, unit?: 'code points'): FakeTerminal {
  const terminal = new FakeTerminal(COLUMNS, ROWS, unit);
  terminal.write(paint(undefined, frame, true));
  return terminal;
}

function cellAt(frame: Frame, row: number, column: number): Cell {
  return frame[row]?.[column] ?? { text: ' ', width: 1, style: 'plain' };
}

/** A column that a wide character covers has changed if that character has. */
function hasChanged(previous: Frame, next: Frame, row: number, column: number): boolean {
  const cell = cellAt(next, row, column);
  if (cell.width === 0) return hasChanged(previous, next, row, column - 1);
  return JSON.stringify(cellAt(previous, row, column)) !== JSON.stringify(cell);
}

function places(): readonly [number, number][] {
  return Array.from({ length: ROWS * COLUMNS }, (_, index) => [Math.floor(index / COLUMNS), index % COLUMNS]);
}

describe('paint', () => {
  it('puts every cell of the first frame where it belongs, on a screen full of other things', () => {
    fc.assert(
      fc.property(framesOf([...CERTAIN, ...UNCERTAIN]), (frame) => {
        const terminal = new FakeTerminal(COLUMNS, ROWS);
        for (let row = 1; row <= ROWS; row += 1) terminal.write(`\u001b[${row};1H${'x'.repeat(COLUMNS)}`);
        terminal.write(paint(undefined, frame, true));
        for (const [row, column] of places()) expect(terminal.at(row, column).text).toBe(cellAt(frame, row, column).text);
      }),
    );
  });

  it('turns the last frame into the next one, cell by cell and colour by colour', () => {
    fc.assert(
      fc.property(framesOf([...CERTAIN, ...UNCERTAIN]), framesOf([...CERTAIN, ...UNCERTAIN]), (previous, next) => {
        const terminal = showing(previous);
        terminal.write(paint(previous, next, true));
        const fresh = showing(next);
        for (const [row, column] of places()) expect(terminal.at(row, column)).toEqual(fresh.at(row, column));
      }),
    );
  });

  it('writes only the cells that changed', () => {
    fc.assert(
      fc.property(framesOf(CERTAIN), framesOf(CERTAIN), (previous, next) => {
        const terminal = showing(previous);
        terminal.written.clear();
        terminal.write(paint(previous, next, true));
        const written = places().filter(([row, column]) => terminal.written.has(`${row},${column}`));
        expect(written.filter(([row, column]) => !hasChanged(previous, next, row, column))).toEqual([]);
      }),
    );
  });

  it('writes nothing when nothing changed', () => {
    fc.assert(
      fc.property(framesOf([...CERTAIN, ...UNCERTAIN]), (frame) => {
        expect(paint(frame, frame, true)).toBe('');
      }),
    );
  });

  it('keeps borders in their columns on a terminal that draws emoji in other widths', () => {
    fc.assert(
      fc.property(framesOf([...CERTAIN, ...UNCERTAIN]), framesOf([...CERTAIN, ...UNCERTAIN]), (previous, next) => {
        const terminal = showing(previous, 'code points');
        terminal.write(paint(previous, next, true));
        const certain = places().filter(([row, column]) => cellAt(next, row, column).width > 0 && isCertain(cellAt(next, row, column)));
        expect(certain.map(([row, column]) => terminal.at(row, column).text)).toEqual(
          certain.map(([row, column]) => cellAt(next, row, column).text),
        );
      }),
    );
  });

  it('leaves nothing of the old text beside an emoji that is drawn narrow', () => {
    const terminal = showing([cellsOf('xxxx║')], 'code points');
    terminal.write(paint([cellsOf('xxxx║')], [cellsOf('⏱️xx║')], true));
    expect(terminal.line(0)).toBe('⏱️ xx║');
  });

  it('says nothing of colours when there shall be none', () => {
    const frame = [cellsOf('a', 'critical')];
    expect(paint(undefined, frame, true)).toBe('\u001b[0m\u001b[2J\u001b[1;1H\u001b[0;1;31ma\u001b[0m');
    expect(paint([cellsOf('b', 'critical')], frame, false)).toBe('\u001b[1;1Ha');
  });
});

describe('printed', () => {
  const frame = [padTo([...cellsOf('║ ⏱️ SLO', 'strong')], 12), cellsOf('║ 等待中: 0 ║', 'dim')].map((line) => [...line, ...cellsOf('║')]);

  it('is plain text for a file', () => {
    expect(printed(frame, { colored: false, positioned: false })).toBe('║ ⏱️ SLO    ║\n║ 等待中: 0 ║║\n');
  });

  it('has colours without cursor moves where colours are forced on a pipe', () => {
    expect(printed(frame, { colored: true, positioned: false })).toBe(
      '\u001b[0;1m║ ⏱️ SLO\u001b[0m    ║\n\u001b[0;90m║ 等待中: 0 ║\u001b[0m║\n',
    );
  });

  it.each(['graphemes', 'code points'] as const)('sets the border right on a terminal that draws %s', (unit) => {
    const terminal = new FakeTerminal(20, 4, unit);
    terminal.write(printed(frame, { colored: true, positioned: true }));
    expect([terminal.at(0, 12).text, terminal.at(1, 13).text]).toEqual(['║', '║']);
  });
});
