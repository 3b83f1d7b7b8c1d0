import { globSync, readFileSync } from 'node:fs';
import { ROOT } from '../support/shared.js';

/** A fenced block. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** Of its first line of text, from 1. */
  readonly line: number;
}

/** A word of a document, and where it stands: `docs/api.md:12`. */
export interface Mention {
  readonly text: string;
  readonly place: string;
}

/** One Markdown file of this repository. */
export class MarkdownFile {
  readonly lines: readonly string[];
  readonly blocks: readonly Block[];
  /** By line: whether it is in a fenced block. */
  private readonly fenced: readonly boolean[];

  /** `path`: from the repository's root. */
  constructor(readonly path: string) {
    this.lines = readFileSync(`${ROOT}${path}`, 'utf8').split('\n');
    const blocks: Block[] = [];
    let open: { language: string; line: number } | undefined;
    this.fenced = this.lines.map((line, index) => {
      const [, language] = /^ *```(\w*)/.exec(line) ?? [];
      if (language === undefined) return open !== undefined;
      if (open) blocks.push({ ...open, text: this.lines.slice(open.line - 1, index).join('\n') });
      open = open ? undefined : { language, line: index + 2 };
      return true;
    });
    this.blocks = blocks;
  }

  /** `docs/api.md:12`. */
  placeOf(line: number): string {
    return `${this.path}:${line}`;
  }

  /** Everywhere that `pattern` matches, in blocks too; its first group, or all of it. */
  mentions(pattern: RegExp): readonly Mention[] {
    return this.lines.flatMap((line, index) =>
      [...line.matchAll(pattern)].map((match) => ({ text: match[1] ?? match[0], place: this.placeOf(index + 1) })),
    );
  }

  /** The same in what is code only: fenced, or between backticks. */
  mentionsInCode(pattern: RegExp): readonly Mention[] {
    return this.lines.flatMap((line, index) => {
      const code = this.fenced[index] ? [line] : [...line.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
      return code.flatMap((text) =>
        [...text.matchAll(pattern)].map((match) => ({ text: match[1] ?? match[0], place: this.placeOf(index + 1) })),
      );
    });
  }

  /** Where links of this repository lead: `gateway.md#usage`. */
  links(): readonly Mention[] {
    return this.mentions(/\]\(([^)\s]+)\)/g).filter(({ text }) => !/^[a-z]+:/.test(text));
  }

  /** The anchors that its headings have on a web page of it, as GitHub makes them. */
  anchors(): ReadonlySet<string> {
    const found = new Map<string, number>();
    return new Set(
      this.lines.flatMap((line, index) => {
        const [, title] = this.fenced[index] ? [] : (/^#+ (.*)$/.exec(line) ?? []);
        if (title === undefined) return [];
        const anchor = title
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
          .replaceAll(' ', '-');
        const count = found.get(anchor) ?? 0;
        found.set(anchor, count + 1);
        return [count === 0 ? anchor : `${anchor}-${count}`];
      }),
    );
  }
}

/** Every document of this repository that is meant to be read. */
export function documents(): readonly MarkdownFile[] {
  return globSync(['*.md', '{docs,deploy,examples}/**/*.md'], { cwd: ROOT, exclude: ['**/node_modules/**'] })
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((path) => new MarkdownFile(path));
}
