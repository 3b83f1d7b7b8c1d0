import { styleText } from 'node:util';
import stringWidth from 'string-width';
import type { InferometerEvent } from '#libs/contracts';
import { jsonLine } from '../core/json-line.js';
import { printable, summaryOf, type Summary } from '../core/summary.js';

/** Makes a line, without its end, of an event and the bytes that it is stored as. */
export type LineFormat = (event: InferometerEvent, stored: Uint8Array) => string;

/** The stored event itself. */
export const jsonFormat: LineFormat = (_event, stored) => jsonLine(stored);

type Column = 'type' | 'subject' | 'model' | 'tenant';
type Color = Parameters<typeof styleText>[0];

const COLORS: Readonly<Record<string, Color>> = { completed: 'green', failed: 'red', cancelled: 'yellow', 'gpu.read': 'cyan' };
/** What a gateway calls a request whose client gave it no id. */
const UUID_LENGTH = 36;
/** A column is as wide as the widest text that it has shown, up to this. */
const WIDEST = 40;

/** Lines for people, in columns. `colored` paints the type of the event. */
export function columnFormat(colored: boolean): LineFormat {
  const widths: Record<Column, number> = { type: 'first_token'.length, subject: UUID_LENGTH, model: 0, tenant: 0 };
  const fitted = (summary: Summary, column: Column): string => {
    const text = printable(summary[column]);
    const width = stringWidth(text);
    widths[column] = Math.max(widths[column], Math.min(width, WIDEST));
    return text + ' '.repeat(Math.max(0, widths[column] - width));
  };
  return (event) => {
    const summary = summaryOf(event);
    const type = fitted(summary, 'type');
    const rest = (['subject', 'model', 'tenant'] as const).map((column) => fitted(summary, column));
    const color = colored ? COLORS[summary.type] : undefined;
    const painted = color === undefined ? type : styleText(color, type, { validateStream: false });
    return [summary.time, painted, ...rest, printable(summary.details)].join('  ').trimEnd();
  };
}
