import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { neutralise } from './neutralise.js';

describe('neutralise', () => {
  it('leaves ordinary text of any script as it is', () => {
    const text = 'NVIDIA GeForce RTX 3080 · 显存 79.3% · größer · ⏱️ 👨‍👩‍👧 ▶︎';
    expect(neutralise(text)).toBe(text);
  });

  it('shows an escape sequence in place of sending it', () => {
    expect(neutralise('\u001b[2J\u001b]0;title\u0007')).toBe('␛[2J␛]0;title␇');
  });

  it.each([
    ['C1 control sequence introducer', '\u009b31m', '\ufffd31m'],
    ['delete', 'a\u007fb', 'a␡b'],
    ['line ends and tab', 'a\nb\r\tc', 'a b  c'],
    ['line separator', 'a\u2028b', 'a b'],
    ['right-to-left override', 'a\u202eb', 'a\ufffdb'],
    ['isolate', 'a\u2066b', 'a\ufffdb'],
    ['zero-width space', 'a\u200bb', 'a\ufffdb'],
    ['half a surrogate pair', 'a\ud800b', 'a\ufffdb'],
  ])('makes %s harmless', (_, text, expected) => {
    expect(neutralise(text)).toBe(expected);
  });

  it('leaves no control character in any text, and changes nothing twice', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const safe = neutralise(text);
        expect(safe).not.toMatch(/\p{Cc}|\p{Zl}|\p{Zp}|\p{Cs}/u);
        expect(neutralise(safe)).toBe(safe);
      }),
    );
  });
});
