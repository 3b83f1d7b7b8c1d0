/** One line of a key file: whoever has the key with this digest is `name`. */
export interface KeyEntry {
  /** SHA-256 of the key, in lower-case hex. */
  readonly digest: string;
  readonly name: string;
}

/** What can be a tenant in events. */
export const KEY_NAME = /^[\x21-\x7e]{1,128}$/;

const ENTRY = /^([0-9a-f]{64})[ \t]+([\x21-\x7e]{1,128})[ \t]*$/;

/** What stands in a line of the file: nothing for blank lines and comments, undefined where it makes no sense. */
function entryOf(line: string): KeyEntry | 'none' | undefined {
  if (/^\s*(#.*)?$/.test(line)) return 'none';
  const [, digest, name] = ENTRY.exec(line) ?? [];
  return digest !== undefined && name !== undefined ? { digest, name } : undefined;
}

/** The entries of a key file, or the number of the first line that makes no sense. A digest belongs to its last line. */
export function parseKeyFile(text: string): readonly KeyEntry[] | { readonly faultyLine: number } {
  const entries = text.split(/\r?\n/).map((line) => entryOf(line));
  const fault = entries.indexOf(undefined);
  if (fault !== -1) return { faultyLine: fault + 1 };
  return entries.filter((entry) => typeof entry === 'object');
}

/** The file with one more entry; everything else stays as it is. */
export function withKey(text: string, { digest, name }: KeyEntry): string {
  const before = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  return `${before}${digest} ${name}\n`;
}

/** The file without the entries of `name`; everything else stays as it is. */
export function withoutKeysOf(text: string, name: string): string {
  const lines = text.split(/(?<=\n)/);
  return lines.filter((line) => ENTRY.exec(line.trimEnd())?.[2] !== name).join('');
}
