import { describe, expect, it } from 'vitest';
import { parseKeyFile, withKey, withoutKeysOf } from './key-file.js';

const [A, B] = ['a'.repeat(64), 'b'.repeat(64)];

describe('a key file', () => {
  it('has a digest and a name in each line, and comments', () => {
    expect(parseKeyFile(`# keys\r\n\r\n${A} acme\r\n${B}\t other \n  # end`)).toEqual([
      { digest: A, name: 'acme' },
      { digest: B, name: 'other' },
    ]);
    expect(parseKeyFile('')).toEqual([]);
  });

  it.each(['acme', A, `${A} `, `${A.toUpperCase()} acme`, `${A}a acme`, `${A} a b`, `${A} \u00e9`, `${A} ${'x'.repeat(129)}`])(
    'has no line such as %j',
    (line) => {
      expect(parseKeyFile(`\n${line}\n`)).toEqual({ faultyLine: 2 });
    },
  );

  it('is changed at one place only', () => {
    const text = `# keys\n${A} acme\n${B} acme.2`;
    expect(withKey(text, { digest: A, name: 'x' })).toBe(`${text}\n${A} x\n`);
    expect(withKey('', { digest: A, name: 'x' })).toBe(`${A} x\n`);
    expect(withoutKeysOf(text, 'acme')).toBe(`# keys\n${B} acme.2`);
    expect(withoutKeysOf(text, 'nobody')).toBe(text);
  });
});
