const SPACE = 0x20;
const TAB = 0x09;

/** What stands in `line` from `start` to `end`, without the spaces and tabs around it. */
export function withoutPadding(line: string, start: number, end = line.length): string {
  let [from, to] = [start, end];
  while (from < to && isPadding(line.charCodeAt(from))) from += 1;
  while (to > from && isPadding(line.charCodeAt(to - 1))) to -= 1;
  return line.slice(from, to);
}

function isPadding(code: number): boolean {
  return code === SPACE || code === TAB;
}
