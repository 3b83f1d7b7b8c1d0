// oxlint-disable-next-line no-restricted-imports -- a pure function: the table of how wide characters are
import stringWidth from 'string-width';

/** One column each, and most of every frame: ASCII, lines and blocks. */
const NARROW = /^[ -~\u2500-\u259f]$/;

/** Columns that `text` takes on a terminal that follows Unicode. */
export function widthOf(text: string): number {
  return NARROW.test(text) ? 1 : stringWidth(text);
}
