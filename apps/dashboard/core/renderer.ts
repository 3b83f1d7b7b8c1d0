import { BLANK, type Cell, type Frame, type Style } from './cells.js';

const ESCAPE = '\u001b[';
const ERASE_RIGHT = `${ESCAPE}K`;
const SGR: Readonly<Record<Style, string>> = {
  plain: '0',
  frame: '0;36',
  strong: '0;1',
  dim: '0;90',
  bar: '0;36',
  good: '0;32',
  warning: '0;33',
  critical: '0;1;31',
};

/** Characters on whose width every terminal agrees: one code point of Latin, punctuation, box drawing, blocks or East Asian text. */
const CERTAIN = /^[ -~\u00a0-\u02ff\u2010-\u203f\u2500-\u259f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef]?$/u;

/**
 * What turns a terminal that shows `previous` into one that shows `next`: cursor moves, and only the cells that changed.
 * Without `previous` the screen is cleared first. Emoji are drawn wider or narrower from terminal to terminal (`⏱️` above all):
 * the cursor is placed anew after each, and the rest of its line is written again, so that the border stands where it belongs.
 */
export function paint(previous: Frame | undefined, next: Frame, colored: boolean): string {
  const painter = new Painter(colored, (row, column) => `${ESCAPE}${row + 1};${column + 1}H`);
  const before = previous ?? [];
  for (let row = 0; row < Math.max(before.length, next.length); row += 1) {
    paintLine(painter, row, before[row] ?? [], next[row] ?? []);
  }
  const painted = painter.finish();
  return previous ? painted : `${ESCAPE}0m${ESCAPE}2J${painted}`;
}

function paintLine(painter: Painter, row: number, before: readonly Cell[], next: readonly Cell[]): void {
  let rewrite = false;
  for (let column = 0; column < Math.max(before.length, next.length); column += 1) {
    const cell = next[column] ?? BLANK;
    if (!rewrite && isSame(before[column] ?? BLANK, cell)) continue;
    painter.put(row, column, cell);
    rewrite ||= !isCertain(cell);
  }
}

/**
 * The frame as lines of text, each with its line end. `positioned` is for a terminal: the cursor is placed after each emoji.
 * Neither colours nor positions: no escape at all.
 */
export function printed(frame: Frame, options: { readonly colored: boolean; readonly positioned: boolean }): string {
  const lines = frame.map((line) => {
    const painter = new Painter(options.colored, options.positioned ? (_row, column) => `${ESCAPE}${column + 1}G` : undefined);
    painter.startAt(0, 0);
    for (const [column, cell] of line.entries()) painter.put(0, column, cell);
    return `${painter.finish()}\n`;
  });
  return lines.join('');
}

function isSame(a: Cell, b: Cell): boolean {
  return a.text === b.text && a.width === b.width && a.style === b.style;
}

/** False for emoji and what else terminals disagree on. */
export function isCertain(cell: Cell): boolean {
  return CERTAIN.test(cell.text);
}

/** Collects output, and knows where the terminal's cursor stands. */
class Painter {
  private out = '';
  private row = -1;
  private column = -1;
  private style: Style = 'plain';

  constructor(
    private readonly colored: boolean,
    private readonly move: ((row: number, column: number) => string) | undefined,
  ) {}

  startAt(row: number, column: number): void {
    this.row = row;
    this.column = column;
  }

  put(row: number, column: number, cell: Cell): void {
    if (cell.width === 0) return;
    this.moveTo(row, column);
    this.restyle(cell.style);
    if (this.move === undefined || isCertain(cell)) {
      this.out += cell.text;
      this.column += cell.width;
      return;
    }
    // Erased before and after: a narrower glyph leaves nothing of the old text, a wider one nothing of itself.
    this.column = column + cell.width;
    this.out += `${ERASE_RIGHT}${cell.text}${this.move(row, this.column)}${ERASE_RIGHT}`;
  }

  finish(): string {
    this.restyle('plain');
    return this.out;
  }

  private moveTo(row: number, column: number): void {
    if (this.row !== row || this.column !== column) this.out += this.move?.(row, column) ?? '';
    this.row = row;
    this.column = column;
  }

  private restyle(style: Style): void {
    if (style === this.style) return;
    this.style = style;
    if (this.colored) this.out += `${ESCAPE}${SGR[style]}m`;
  }
}
