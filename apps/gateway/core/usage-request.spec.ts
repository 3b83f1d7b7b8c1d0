import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHAT, EMBEDDINGS, type Operation } from './operations.js';
import { readRequestFacts } from './request-facts.js';
import { askForUsage } from './usage-request.js';

function edited(body: string, operation: Operation = CHAT): string {
  const facts = readRequestFacts(Buffer.from(body), operation);
  if (!facts) throw new Error('not a JSON object');
  return askForUsage(Buffer.from(body), facts.usageRequest).toString();
}

/** The two differ in one place only, and there the flag stands. */
function expectOneEdit(body: string, result: string): void {
  let start = 0;
  while (start < body.length && body[start] === result[start]) start += 1;
  let end = 0;
  while (end < body.length - start && body.at(-1 - end) === result.at(-1 - end)) end += 1;
  const removed = body.slice(start, body.length - end);
  const added = result.slice(start, result.length - end);
  expect(removed.length).toBeLessThanOrEqual('false'.length);
  expect(added.length).toBeLessThanOrEqual('"stream_options":{"include_usage":true},'.length);
}

describe('askForUsage', () => {
  it.each([
    ['{"stream":true}', '{"stream_options":{"include_usage":true},"stream":true}'],
    ['\n { "stream" : true }\n', '\n {"stream_options":{"include_usage":true}, "stream" : true }\n'],
    ['{"stream":true,"stream_options":null}', '{"stream":true,"stream_options":{"include_usage":true}}'],
    ['{"stream":true,"stream_options": {} }', '{"stream":true,"stream_options": {"include_usage":true} }'],
    ['{"stream":true,"stream_options":{ "x":1e400}}', '{"stream":true,"stream_options":{"include_usage":true, "x":1e400}}'],
    ['{"stream":true,"stream_options":{"include_usage" : false}}', '{"stream":true,"stream_options":{"include_usage" : true}}'],
    ['{"stream":true,"stream_options":{"include_usage":null}}', '{"stream":true,"stream_options":{"include_usage":true}}'],
    [
      '{"stream\\u005foptions":{"include\\u005fusage":false},"stream":true}',
      '{"stream\\u005foptions":{"include\\u005fusage":true},"stream":true}',
    ],
    // Of two members with one name, readers take the last.
    [
      '{"stream_options":{"include_usage":true},"stream":true,"stream_options":{"include_usage":false}}',
      '{"stream_options":{"include_usage":true},"stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      '{"stream":true,"stream_options":{"include_usage":true,"include_usage":false}}',
      '{"stream":true,"stream_options":{"include_usage":true,"include_usage":true}}',
    ],
    // The name inside of a text or of another object is not the member.
    [
      '{"a":"\\"stream_options\\":null","b":{"stream_options":null},"stream":true,"stream_options":null}',
      '{"a":"\\"stream_options\\":null","b":{"stream_options":null},"stream":true,"stream_options":{"include_usage":true}}',
    ],
  ])('edits %s', (body, expected) => {
    expect(edited(body)).toBe(expected);
  });

  it.each([
    ['not a stream', '{"stream":false,"stream_options":null}'],
    ['asked by the client', '{"stream":true,"stream_options":{"include_usage":true}}'],
    ['usage in every chunk, which the client would see', '{"stream":true,"stream_options":{"continuous_usage_stats":true}}'],
    ['options that the upstream will refuse', '{"stream":true,"stream_options":"yes"}'],
    ['a flag that the upstream will judge', '{"stream":true,"stream_options":{"include_usage":"yes"}}'],
  ])('leaves alone: %s', (_what, body) => {
    expect(edited(body)).toBe(body);
  });

  it('leaves other operations alone', () => {
    expect(edited('{"stream":true}', EMBEDDINGS)).toBe('{"stream":true}');
  });

  const space = fc.constantFrom('', ' ', '\n\t', '\r\n ');
  const text = fc
    .oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('\\', '"', '{"}', 'stream_options', 'include_usage'))
    .map((value) => JSON.stringify(value));
  // Not '\\' and '"' as keys: the JSON.parse of this V8 takes one for the other where both have been seen in the same place.
  const key = text.filter((value) => value !== '"\\\\"' && value !== '"\\""');
  const scalar = fc.oneof(
    text,
    fc.constantFrom('9007199254740993', '1.0', '-0', '1e400', '0.10', 'true', 'null', '123456789012345678901234567890'),
  );
  const json = fc.letrec<{ value: string }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      scalar,
      members('{', '}', fc.tuple(key, tie('value'))),
      members(
        '[',
        ']',
        tie('value').map((value) => ['', value] as const),
      ),
    ),
  })).value;

  function members(open: string, close: string, member: fc.Arbitrary<readonly [string, string]>): fc.Arbitrary<string> {
    const spaced = fc.tuple(space, member, space, space).map(([a, [name, value], b, c]) => `${a}${name}${name && `${b}:${c}`}${value}${b}`);
    return fc.array(spaced, { maxLength: 4 }).map((list) => open + list.join(',') + close);
  }

  it('turns the flag on and changes nothing else, whatever the body looks like', () => {
    const options = fc.oneof(
      fc.constantFrom('null', '{}', '{"include_usage":false}'),
      json.filter((value) => value.startsWith('{')),
    );
    const own = fc.record({ name: fc.constantFrom('"stream_options"', '"stream\\u005foptions"'), value: options });
    const others = fc.array(fc.tuple(key, json, space), { maxLength: 5 });
    fc.assert(
      fc.property(others, fc.option(own), others, space, (before, member, after, gap) => {
        const list = [...before, ...(member ? [[member.name, member.value, gap] as const] : []), ...after];
        const body = `${gap}{${gap}${list.map(([name, value, around]) => `${name}${around}:${around}${value}${around},`).join('')}"stream":true${gap}}`;
        fc.pre(readRequestFacts(Buffer.from(body), CHAT)?.usageRequest !== 'none');
        const result = edited(body);
        const parsed = JSON.parse(result) as { stream_options: { include_usage: boolean } };
        expect(parsed.stream_options.include_usage).toBe(true);
        expectOneEdit(body, result);
        const given = (JSON.parse(body) as { stream_options?: object | null }).stream_options;
        expect({ ...parsed, stream_options: undefined }).toEqual({ ...(JSON.parse(body) as object), stream_options: undefined });
        expect(parsed.stream_options).toEqual({ ...given, include_usage: true });
      }),
      { numRuns: 3000 },
    );
  });
});
