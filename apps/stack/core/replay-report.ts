import { shortName, type EventType } from '#libs/contracts';
import type { RefusalReason } from './recorded-line.js';

interface Refusals {
  count: number;
  readonly lines: number[];
  /** What was wrong with the first of them. */
  readonly detail: string;
}

const LINES_SHOWN = 5;

/** Counts what became of the lines of a file, and tells it. */
export class ReplayReport {
  lines = 0;
  private readonly accepted = new Map<EventType, number>();
  private readonly refusals = new Map<RefusalReason, Refusals>();

  get refused(): number {
    return [...this.refusals.values()].reduce((sum, { count }) => sum + count, 0);
  }

  /** Events appended, or fit to be. */
  get events(): number {
    return [...this.accepted.values()].reduce((sum, count) => sum + count, 0);
  }

  accept(type: EventType): void {
    this.accepted.set(type, (this.accepted.get(type) ?? 0) + 1);
  }

  refuse(line: number, reason: RefusalReason, detail: string): void {
    const known = this.refusals.get(reason);
    if (!known) this.refusals.set(reason, { count: 1, lines: [line], detail });
    else {
      known.count += 1;
      if (known.lines.length < LINES_SHOWN) known.lines.push(line);
    }
  }

  /** A few lines of text for people; `verb` is what happened to the events. */
  text(file: string, verb: string, durationMs: number): string {
    const seconds = (durationMs / 1000).toFixed(durationMs < 10_000 ? 2 : 0);
    const rows: [string, number, string][] = [
      [verb, this.events, ''],
      ...[...this.accepted].map(([type, count]): [string, number, string] => [`  ${shortName(type)}`, count, '']),
      ['refused', this.refused, ''],
      ...[...this.refusals].map(([reason, refusals]): [string, number, string] => [`  ${reason}`, refusals.count, linesOf(refusals)]),
    ];
    const name = Math.max(...rows.map(([label]) => label.length));
    const width = Math.max(...rows.map(([, count]) => grouped(count).length));
    const table = rows.map(([label, count, note]) => `  ${label.padEnd(name)}  ${grouped(count).padStart(width)}${note}`);
    return [`${file}: ${grouped(this.lines)} line${this.lines === 1 ? '' : 's'} in ${seconds} s`, ...table].join('\n');
  }
}

/** `[████░░░░] 50 %  1,200 events`, for a line that is written over and over. */
export function progressText(doneBytes: number, totalBytes: number, events: number, width = 30): string {
  const share = totalBytes === 0 ? 1 : Math.min(1, doneBytes / totalBytes);
  const full = Math.round(share * width);
  return `[${'█'.repeat(full)}${'░'.repeat(width - full)}] ${Math.floor(share * 100)} %  ${grouped(events)} events`;
}

function linesOf({ count, lines, detail }: Refusals): string {
  const more = count > lines.length ? ', …' : '';
  return `  line${count === 1 ? '' : 's'} ${lines.map(grouped).join(', ')}${more}: ${detail}`;
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}
