import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AnswerStream } from './answer-stream.js';
import { BODY, EchoServer, post } from './plain-door.fixture.js';

let plain: EchoServer;
let node: EchoServer;
/** Node's, too, but reached by way of a door: what comes in one piece is then read in one go. */
let shut: EchoServer;

beforeEach(async () => {
  plain = await EchoServer.start('open');
  node = await EchoServer.start('none');
  shut = await EchoServer.start('shut');
});

afterEach(async () => {
  await plain.close();
  await node.close();
  await shut.close();
});

const LINES = [
  'POST /plain HTTP/1.1',
  'POST /plain?a=b%20c HTTP/1.1',
  'POST /other HTTP/1.1',
  'GET /plain HTTP/1.1',
  'POST /plain HTTP/1.0',
];
const ODD_LINES = [
  'POST  /plain HTTP/1.1',
  'POST plain HTTP/1.1',
  'post /plain HTTP/1.1',
  'POST /pl\xe4in HTTP/1.1',
  'POST /plain HTTP/1.1 ',
];
const FIELDS = ['accept: */*', 'X-Name:value', 'x-empty:', 'x-tabs:\t a\tb \t', 'connection: keep-alive'];
const ODD_FIELDS = [
  'content-length: 7',
  'content-length: 07',
  'content-length: +7',
  'content-length: 7, 7',
  'content-length : 7',
  'Content-Length: 0',
  'transfer-encoding: chunked',
  'connection: close',
  'connection: x, close',
  'expect: 100-continue',
  'te: trailers',
  'upgrade: h2c',
  'proxy-connection: close',
  'host: y',
  'cookie: a=b',
  'cookie: c=d',
  '__proto__: x',
  'constructor: x',
  ' folded',
  'x-high: caf\xe9',
  'x-low: \x01',
  'x-none',
  ': x',
  'x\r: y',
  'x-feed: a\nb',
];
const SPOILED = post(BODY, 'x-some: value\r\nconnection: close\r\naccept: */*\r\n');
const BODIES = [BODY, BODY, BODY, '', '3\r\nabc\r\n0\r\n\r\n', 'x', 'POST /plain HTTP/1.1\r\n'];

const field = fc.oneof(fc.constantFrom(...ODD_FIELDS), fc.constantFrom(...FIELDS));
const line = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...LINES) }, { weight: 1, arbitrary: fc.constantFrom(...ODD_LINES) });
const oddMessage = fc
  .record({
    first: line,
    named: fc.subarray(['host: x', 'content-length: 7'], { minLength: 1 }),
    fields: fc.uniqueArray(field, { maxLength: 4 }),
    end: fc.constantFrom('\r\n', '\r\n', '\n'),
    body: fc.constantFrom(...BODIES),
  })
  .map(({ first, named, fields, end, body }) => [first, ...named, ...fields, '', body].join(end));
/** A good one with one byte too many, or another than there was. */
const spoiledMessage = fc
  .record({ at: fc.nat(200), byte: fc.integer({ min: 0, max: 255 }), removes: fc.nat(2) })
  .map(({ at, byte, removes }) => SPOILED.slice(0, at) + String.fromCharCode(byte) + SPOILED.slice(at + removes));
const goodMessage = fc.constantFrom(post(), post('', 'x-a: b\r\n'));
const message = fc.oneof(goodMessage, oddMessage, oddMessage, spoiledMessage);
/** Some messages in a row, each when the one before should be answered, or in some pieces that follow closely. All but one are good, or they would often not be reached. */
const conversation = fc
  .record({
    before: fc.array(goodMessage, { maxLength: 2 }),
    any: message,
    after: fc.array(goodMessage, { maxLength: 1 }),
    cuts: fc.array(fc.nat(400), { maxLength: 4 }),
    isWhole: fc.boolean(),
  })
  .map(({ before, any, after, cuts, isWhole }) => {
    const messages = [...before, any, ...after];
    return { pieces: isWhole ? messages : piecesOf(messages.join(''), cuts), turns: isWhole ? 8 : 1 };
  });

function isRefused(answers: string): boolean {
  return answers.includes('HTTP/1.1 400 Bad Request');
}

function piecesOf(text: string, cuts: readonly number[]): readonly string[] {
  const places = [0, ...cuts.toSorted((a, b) => a - b).filter((at) => at < text.length), text.length];
  return places.slice(1).map((to, index) => text.slice(places[index], to));
}

it('whatever comes, however it is cut, gets the answers that Node would give', { timeout: 60_000 }, async () => {
  let answered = 0;
  await fc.assert(
    fc.asyncProperty(conversation, async ({ pieces, turns }) => {
      const [here, there, alone] = await Promise.all([plain, shut, node].map((server) => server.exchange(pieces, turns)));
      // What is broken may cost the answers before it, which is a matter of moments.
      expect(isRefused(here!)).toBe(isRefused(there!) || isRefused(alone!));
      expect(isRefused(here!) ? undefined : here).toBe(isRefused(there!) ? undefined : there);
      if (here!.includes('200 OK')) answered += 1;
    }),
    { numRuns: 1_000 },
  );
  expect(answered).toBeGreaterThan(100);
  expect(plain.taken).toBeGreaterThan(200);
});

it.each([
  ['its head', post().slice(0, 20)],
  ['its body', post().slice(0, -1)],
])('what ends within %s is refused by Node', async (_what, text) => {
  const answers = await plain.exchange([text]);
  expect(answers).toMatch(/^HTTP\/1.1 400 /);
  expect(answers).toBe(await node.exchange([text]));
});

it('a large body goes to Node', async () => {
  const large = post('x'.repeat(1_048_577));
  expect(await plain.exchange([large])).toBe(await node.exchange([large]));
  expect(plain.taken).toBe(0);
});

it('what comes in part with the end of the client, behind a request, is refused by Node', async () => {
  const pieces = [post(), post().slice(0, -1)];
  plain.script = (answer) => {
    setTimeout(() => {
      answer.head({ status: 200, statusText: 'OK', headers: [], isDated: false });
      answer.end();
    }, 20);
  };
  expect(await plain.exchange(pieces, 8)).toMatch(/^HTTP\/1.1 200 OK[^]*HTTP\/1.1 400 /);
  expect(plain.passed).toEqual([]); // At once, not when it has become too slow.
});

describe('an answer', () => {
  const sizes = fc.array(fc.constantFrom(0, 1, 15, 16, 300, 8_192, 8_193, 70_000), { maxLength: 4 });
  const answers = fc.record({
    status: fc.constantFrom(200, 204, 304, 404, 500),
    sizes,
    lastSize: fc.option(fc.constantFrom(0, 5, 9_000), { nil: undefined }),
    hasLength: fc.boolean(),
    closes: fc.boolean(),
    isFlushed: fc.boolean(),
    request: fc.constantFrom(post(), post(BODY, 'connection: close\r\n'), post(BODY, 'connection: Keep-Alive\r\n')),
  });

  it('has the bytes that Node would have written', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(answers, async ({ status, sizes: parts, lastSize, hasLength, closes, isFlushed, request }) => {
        const length = parts.reduce<number>((sum, size) => sum + size, lastSize ?? 0);
        const headers = [
          'Content-Type',
          'x/y',
          ...(hasLength ? ['Content-Length', `${length}`] : []),
          ...(closes ? ['connection', 'close'] : []),
        ];
        const script = (answer: AnswerStream): void => {
          answer.head({ status, statusText: 'Some Reason', headers: [...headers], isDated: false });
          if (isFlushed) answer.flushHead();
          for (const size of parts) answer.write(bytesOf(size));
          answer.end(lastSize === undefined ? undefined : bytesOf(lastSize));
        };
        plain.script = script;
        node.script = script;
        const [here, there] = await Promise.all([plain.exchange([request]), node.exchange([request])]);
        expect(here.length).toBe(there.length);
        expect(here).toBe(there);
      }),
      { numRuns: 300 },
    );
    expect(plain.taken).toBeGreaterThanOrEqual(300);
  });

  it('has a date where it is to have one', async () => {
    plain.script = (answer) => {
      answer.head({ status: 503, statusText: 'Service Unavailable', headers: ['content-length', '0'], isDated: true });
      answer.end();
    };
    expect(await plain.exchange([post()])).toMatch(/^HTTP\/1.1 503 [^]*\r\nDate: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r\n/);
  });
});

/** Bytes of every value. */
function bytesOf(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_none, at) => 255 - (at % 256)));
}
