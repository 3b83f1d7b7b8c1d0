import { neutralise } from './neutralise.js';
import { widthOf } from './width.js';

/** What a cell means; the renderer decides on a colour. */
export type Style = 'plain' | 'frame' | 'strong' | 'dim' | 'bar' | 'good' | 'warning' | 'critical';

/** One column of the screen. */
export interface Cell {
  /** What a reader sees as one character; empty where the cell to the left reaches over this column. */
  readonly text: string;
  /** Columns taken; 0 where the cell to the left reaches over this column. */
  readonly width: number;
  readonly style: Style;
}

/** As many cells as columns. */
export type Line = readonly Cell[];
export type Frame = readonly Line[];

export const BLANK: Cell = { text: ' ', width: 1, style: 'plain' };

/** A longer cluster than any emoji in use: only stacked accents get there. */
const MAX_CLUSTER = 32;
const graphemes = new Intl.Segmenter();

/** The cells of `text`, made harmless first. What has no width is left out. */
export function cellsOf(text: string, style: Style = 'plain'): Line {
  const cells: Cell[] = [];
  for (const cluster of clustersOf(neutralise(text))) {
    const shown = cluster.length > MAX_CLUSTER ? '\ufffd' : cluster;
    const width = widthOf(shown);
    if (width > 0) cells.push({ text: shown, width, style });
    for (let covered = 1; covered < width; covered += 1) cells.push({ text: '', width: 0, style });
  }
  return cells;
}

function clustersOf(text: string): Iterable<string> {
  return /^[ -~]*$/.test(text) ? text : Array.from(graphemes.segment(text), ({ segment }) => segment);
}

/** At most `width` columns of `line`; `…` stands for what is left out, and no wide character is halved. */
export function cutTo(line: Line, width: number): Line {
  if (line.length <= width) return line;
  if (width <= 0) return [];
  let kept = width - 1;
  while (kept > 0 && line[kept]!.width === 0) kept -= 1;
  return padTo([...line.slice(0, kept), { text: '…', width: 1, style: line[kept]!.style }], width);
}

/** `line` with blanks up to `width` columns. */
export function padTo(line: Line, width: number): Line {
  return [...line, ...repeated(BLANK, width - line.length)];
}

export function repeated(cell: Cell, times: number): Line {
  return Array.from({ length: Math.max(0, times) }, () => cell);
}

/** `line` all in one style. */
export function restyled(line: Line, style: Style): Line {
  return line.map((cell) => ({ ...cell, style }));
}
