import { cellsOf, padTo, type Line, type Style } from './cells.js';
import { bar } from './numbers.js';

/** A name and its value, as in `P95: 0.85s`. */
export interface Field {
  readonly label: string;
  readonly value: string;
  readonly style: Style;
}

/** In place of a figure that nothing was measured for. */
export const UNKNOWN = '–';
const BAR = 20;
const MIN_BAR = 4;

export function field(label: string, value: string, style: Style = 'strong'): Field {
  return { label, value, style };
}

/** A bar of the usual length, or of what `room` leaves of it. */
export function barCells(share: number, room: number, isFull: boolean): Line {
  return cellsOf(bar(share, Math.min(BAR, Math.max(MIN_BAR, room))), isFull ? 'warning' : 'bar');
}

export function heading(icon: string, title: string): Line {
  return [...cellsOf(`  ${icon} `), ...cellsOf(title, 'strong')];
}

/** The start of a line below a heading. */
export function indented(inner: number, text = '', style: Style = 'plain'): Line {
  return [...cellsOf(' '.repeat(indentOf(inner))), ...cellsOf(text, style)];
}

/** The fields in three equal columns, or closer together where one does not fit its column. */
export function columns(fields: readonly Field[], inner: number): Line {
  const width = Math.floor((inner - indentOf(inner)) / fields.length);
  const cells = fields.map((one) => fieldCells(one, ': '));
  const isFitting = cells.every(({ length }) => length < width);
  const apart = isFitting ? [[...indented(inner), ...cells.flatMap((one, index) => padTo(one, index < cells.length - 1 ? width : 0))]] : [];
  return firstFitting([...apart, joined('', fields, ': ', '  ', '', inner), joined('', fields, ' ', ' ', '', inner)], inner);
}

/** The roomiest form that fits: unit at each value (if all are known), unit at the end, no colons. */
export function statistics(name: string, fields: readonly Field[], unit: string, inner: number): Line {
  const head = `${name}: `;
  const apart = fields.some(({ value }) => value === UNKNOWN) ? [] : [joined(head, fields, ': ', `${unit}  `, unit, inner)];
  const forms = [...apart, joined(head, fields, ': ', '  ', unit, inner), joined(head, fields, ' ', ' ', unit, inner)];
  return firstFitting(forms, inner);
}

function joined(head: string, fields: readonly Field[], separator: string, gap: string, end: string, inner: number): Line {
  const cells = fields.flatMap((one, index) => [...cellsOf(index > 0 ? gap : ''), ...fieldCells(one, separator)]);
  return [...indented(inner, head), ...cells, ...cellsOf(end)];
}

function firstFitting(forms: readonly Line[], inner: number): Line {
  return forms.find(({ length }) => length < inner) ?? forms.at(-1)!;
}

function fieldCells({ label, value, style }: Field, separator: string): Line {
  return [...cellsOf(label + separator), ...cellsOf(value, style)];
}

function indentOf(inner: number): number {
  return inner < 64 ? 3 : 5;
}
