import { widthOf } from './width.js';

interface Place {
  text: string;
  width: number;
  /** The parameters of the newest SGR sequence. */
  sgr: string;
}

const ESCAPE = '\u001b';
const SEQUENCE = /\[(\??)([\d;]*)([A-Za-z])/y;
const graphemes = new Intl.Segmenter();

/**
 * A terminal as far as the dashboard uses one, for specs. It refuses sequences that it does not know, and writing outside itself.
 * By `code points` it is an old one: it draws `⏱️` in one column and a family of four in eight.
 */
export class FakeTerminal {
  /** `row,column` of every place that was written or erased since `written` was last cleared. */
  readonly written = new Set<string>();
  /** Private modes that are set: `1049` is the alternate screen, `25` the cursor, `7` wrapping. */
  readonly modes = new Set(['25', '7']);
  private places: Place[][];
  private row = 0;
  private column = 0;
  private sgr = '0';

  constructor(
    readonly columns: number,
    readonly rows: number,
    private readonly unit: 'graphemes' | 'code points' = 'graphemes',
  ) {
    this.places = this.blank();
  }

  write(output: string): void {
    for (let at = 0; at < output.length;) {
      if (output[at] === ESCAPE) {
        at = this.obey(output, at + 1);
        continue;
      }
      const next = output.indexOf(ESCAPE, at);
      const end = next === -1 ? output.length : next;
      for (const cluster of this.clusters(output.slice(at, end))) this.print(cluster);
      at = end;
    }
  }

  /** The line as a reader sees it, without the blanks at its end. */
  line(row: number): string {
    return this.places[row]!.map(({ text }) => text)
      .join('')
      .trimEnd();
  }

  lines(): readonly string[] {
    return this.places.map((_, row) => this.line(row));
  }

  at(row: number, column: number): Readonly<Place> {
    return this.places[row]![column]!;
  }

  private clusters(text: string): readonly string[] {
    return this.unit === 'code points' ? Array.from(text) : Array.from(graphemes.segment(text), ({ segment }) => segment);
  }

  private print(cluster: string): void {
    if (cluster === '\n') {
      this.row += 1;
      this.column = 0;
      return;
    }
    const width = widthOf(cluster);
    if (width === 0) return this.combine(cluster);
    for (let column = this.column; column < Math.min(this.columns, this.column + width); column += 1) this.erase(this.row, column);
    this.place(this.column, { text: cluster, width, sgr: this.sgr });
    for (let covered = 1; covered < width; covered += 1) this.place(this.column + covered, { text: '', width: 0, sgr: this.sgr });
    this.column += width;
  }

  private combine(mark: string): void {
    let column = Math.min(this.columns, this.column) - 1;
    while (column > 0 && this.at(this.row, column).width === 0) column -= 1;
    this.places[this.row]![column]!.text += mark;
  }

  /** An old terminal may draw past its edge, where nothing is seen; a new one shall never be asked to. */
  private place(column: number, place: Place): void {
    if (this.row >= this.rows) throw new Error(`row ${this.row} of ${this.rows}`);
    if (column < this.columns) {
      this.places[this.row]![column] = place;
      this.written.add(`${this.row},${column}`);
    } else if (this.unit === 'graphemes') throw new Error(`column ${column} of ${this.columns}`);
  }

  /** Blanks a place; half a wide character is none, so the other half goes, too. */
  private erase(row: number, column: number): void {
    const line = this.places[row];
    if (!line) throw new Error(`row ${row} of ${this.rows}`);
    let head = column;
    while (head > 0 && line[head]!.width === 0) head -= 1;
    const { width } = line[head]!;
    for (let covered = head; covered < Math.min(this.columns, head + width); covered += 1) line[covered] = this.blankPlace();
    this.written.add(`${row},${column}`);
  }

  private obey(output: string, at: number): number {
    SEQUENCE.lastIndex = at;
    const [sequence, isPrivate, parameters = '', final = ''] = SEQUENCE.exec(output) ?? [];
    if (sequence === undefined) throw new Error(`unknown escape ${JSON.stringify(output.slice(at, at + 8))}`);
    this.perform(isPrivate + final, parameters);
    return at + sequence.length;
  }

  private perform(command: string, parameters: string): void {
    if (command === 'm') this.sgr = parameters;
    else if (command === 'H') [this.row, this.column] = parameters.split(';').map((number) => Number(number) - 1) as [number, number];
    else if (command === 'G') this.column = Number(parameters) - 1;
    else if (command === 'J' && parameters === '2') this.places = this.blank();
    else if (command === 'K') for (let column = this.column; column < this.columns; column += 1) this.erase(this.row, column);
    else if (command === '?h') this.modes.add(parameters);
    else if (command === '?l') this.modes.delete(parameters);
    else throw new Error(`unknown sequence ${parameters}${command}`);
  }

  private blank(): Place[][] {
    return Array.from({ length: this.rows }, () => Array.from({ length: this.columns }, () => this.blankPlace()));
  }

  private blankPlace(): Place {
    return { text: ' ', width: 1, sgr: '0' };
  }
}
