import fc from 'fast-check';
import { encodeEvent } from '#libs/contracts';
import { expect, it } from 'vitest';
import { anyEvent } from '../../../test/support/event-arbitrary.js';
import { jsonLine } from './json-line.js';

it('is the stored event, whatever it holds, in one line without controls', () => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      const line = jsonLine(encodeEvent(event));
      expect(line).not.toMatch(/\p{Cc}/u);
      expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(event)));
    }),
  );
});

it('keeps the very text, unknown fields and the way that numbers are written included', () => {
  const stored = '{"a": 1.50, "模型":"\\u001b", "later":{"b":[1e3]}}';
  expect(jsonLine(Buffer.from(stored))).toBe(stored);
});

it('joins the lines of an event that was written in several', () => {
  expect(JSON.parse(jsonLine(Buffer.from('{\r\n  "a": 1\n}\n')))).toEqual({ a: 1 });
  expect(jsonLine(Buffer.from('{\n"a": 1\n}\n'))).toBe('{ "a": 1 }');
});

it('escapes what some terminals obey', () => {
  expect(jsonLine(Buffer.from('{"a":"\u009b2J\u007f"}'))).toBe(String.raw`{"a":"\u009b2J\u007f"}`);
});
