import type { Block, MarkdownFile } from './markdown.js';

/** A `curl` that a document shows, to be run as it stands. */
export interface CurlCommand {
  /** `docs/api.md:12`. */
  readonly place: string;
  readonly text: string;
  /** The JSON answer that the document shows for it. */
  readonly answer: unknown;
}

/**
 * Every `curl` of a document: the commands of `sh` blocks that begin with that word, and code between backticks that does. A `json` block that
 * is the next block after one of `sh` shows the answer of its last `curl`.
 */
export function curlCommands(file: MarkdownFile): readonly CurlCommand[] {
  const inBlocks = file.blocks.flatMap((block, index) => {
    const commands = commandsOf(block).filter(({ text }) => text.startsWith('curl '));
    const next = file.blocks[index + 1];
    return commands.map(({ text, line }, at) => ({
      place: file.placeOf(line),
      text,
      answer: at === commands.length - 1 && next?.language === 'json' ? (JSON.parse(next.text) as unknown) : undefined,
    }));
  });
  const inline = file.mentions(/`(curl [^`]+)`/g).map(({ text, place }) => ({ place, text, answer: undefined }));
  return [...inBlocks, ...inline];
}

/** The commands of an `sh` block, each with its line in the file; one that goes on after a backslash is one. */
function commandsOf({ language, text, line: first }: Block): readonly { readonly text: string; readonly line: number }[] {
  if (language !== 'sh') return [];
  const commands: { text: string; line: number }[] = [];
  let goesOn = false;
  for (const [index, line] of text.split('\n').entries()) {
    const last = commands.at(-1);
    if (goesOn && last) last.text += `\n${line}`;
    else commands.push({ text: line.trim(), line: first + index });
    goesOn = line.endsWith('\\');
  }
  return commands;
}

/** Every field of a JSON value with its type, as `gpus[].index: number`; elements of an array are taken together. */
export function fieldsOf(value: unknown, path = ''): readonly string[] {
  if (Array.isArray(value)) return unique(value.flatMap((element) => fieldsOf(element, `${path}[]`)));
  if (typeof value !== 'object' || value === null) return [`${path}: ${value === null ? 'null' : typeof value}`];
  const members = Object.entries(value).flatMap(([name, member]) => fieldsOf(member, path === '' ? name : `${path}.${name}`));
  return unique(members.length === 0 ? [`${path}: {}`] : members);
}

function unique(fields: readonly string[]): readonly string[] {
  return [...new Set(fields)].toSorted((a, b) => (a < b ? -1 : 1));
}
