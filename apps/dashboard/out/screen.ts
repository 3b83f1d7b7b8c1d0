import type { Frame } from '../core/cells.js';
import { PLAIN_SIZE, type Size } from '../core/layout.js';
import { paint, printed } from '../core/renderer.js';

/** Where frames are shown. No method throws. */
export abstract class Screen {
  /** True if a frame takes the place of the one before, so that it may be shown as often as one likes. */
  abstract readonly replaces: boolean;
  abstract size(): Size;
  abstract open(): void;
  abstract show(frame: Frame): void;
  /** Gives the terminal back as it was. May be called at any time, more than once, and from an exit handler. */
  abstract close(): void;
}

/** What a screen needs of a stream. */
export interface Output {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

const ALTERNATE_SCREEN = '\u001b[?1049h';
/** Cleared first: after a change of size, some terminals mix what is left of the alternate screen into the main one. */
const MAIN_SCREEN = '\u001b[2J\u001b[?1049l';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const NO_WRAP = '\u001b[?7l';
const WRAP = '\u001b[?7h';

/** The whole terminal: its alternate screen, where only the cells that changed are written. */
export class TerminalScreen extends Screen {
  readonly replaces = true;
  private shown: Frame | undefined;
  private shownSize: Size | undefined;
  private isOpen = false;

  constructor(
    private readonly output: Output,
    private readonly colored: boolean,
  ) {
    super();
  }

  size(): Size {
    return { columns: this.output.columns || 80, rows: this.output.rows || 24 };
  }

  open(): void {
    this.isOpen = true;
    this.shown = undefined;
    this.output.write(ALTERNATE_SCREEN + HIDE_CURSOR + NO_WRAP);
  }

  show(frame: Frame): void {
    if (!this.isOpen) return;
    const size = this.size();
    // A terminal may have moved or cut its lines when its size changed.
    if (size.columns !== this.shownSize?.columns || size.rows !== this.shownSize.rows) this.shown = undefined;
    const text = paint(this.shown, frame, this.colored);
    this.shown = frame;
    this.shownSize = size;
    if (text !== '') this.output.write(text);
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.output.write(WRAP + SHOW_CURSOR + MAIN_SCREEN);
  }
}

/** Frame after frame, as text: for files, pipes and terminals without cursor moves. */
export class TextScreen extends Screen {
  readonly replaces = false;
  private isFirst = true;

  constructor(
    private readonly output: Output,
    private readonly options: { readonly colored: boolean; readonly positioned: boolean },
  ) {
    super();
  }

  size(): Size {
    return { ...PLAIN_SIZE, columns: this.output.columns || PLAIN_SIZE.columns };
  }

  open(): void {}

  show(frame: Frame): void {
    this.output.write((this.isFirst ? '' : '\n') + printed(frame, this.options));
    this.isFirst = false;
  }

  close(): void {}
}
