import fc from 'fast-check';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { until } from '../test-gateway.fixture.js';
import type { AnswerStream } from './answer-stream.js';
import { EchoServer } from './plain-door.fixture.js';

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

const BODY = '{"a":1}';

function post(body = BODY, fields = '', target = '/plain'): string {
  return `POST ${target} HTTP/1.1\r\nhost: x\r\n${fields}content-length: ${body.length}\r\n\r\n${body}`;
}

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

async function inDoorAre(count: number): Promise<void> {
  await until(
    () => plain.door!.size === count,
    () => `${count} connections; got ${plain.door!.size}`,
  );
}

describe('a connection', () => {
  let socket: Socket;
  let received: string;

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await plain.close();
    plain = await EchoServer.start('open');
    socket = plain.connect();
    received = '';
    socket.on('data', (bytes) => (received += bytes.toString('latin1')));
    await once(socket, 'connect');
  });
  afterEach(() => {
    vi.useRealTimers();
    socket.destroy();
  });

  const answers = (count: number) =>
    until(
      () => received.split('200 OK').length - 1 >= count,
      () => `${count} answers; got ${received}`,
    );

  it('is kept for as long as its answers promise, and not for ever', async () => {
    socket.write(post());
    await answers(1);
    expect(received).toContain('\r\nKeep-Alive: timeout=72\r\n');
    vi.advanceTimersByTime(73_000);
    socket.write(post());
    await answers(2);
    const closed = once(socket, 'close');
    vi.advanceTimersByTime(74_000);
    await closed;
    await inDoorAre(0);
  });

  it('is never closed while an answer is under way', async () => {
    let late: AnswerStream | undefined;
    plain.script = (answer) => void (late = answer);
    socket.write(post());
    await until(
      () => late !== undefined,
      () => 'the request',
    );
    vi.advanceTimersByTime(1_000_000);
    late!.head({ status: 200, statusText: 'OK', headers: [], isDated: false });
    late!.end();
    await answers(1);
    expect(socket.destroyed).toBe(false);
  });

  it.each([
    ['says nothing', ''],
    ['stops within a body', post().slice(0, -1)],
  ])('that %s goes to Node, which has limits for that', async (_what, text) => {
    await inDoorAre(1);
    if (text !== '') socket.write(text);
    await until(
      () => plain.welcomed.length === (text === '' ? 0 : 1),
      () => 'the bytes',
    );
    const connections = () => new Promise<number>((resolve) => plain.server.getConnections((_error, count) => resolve(count)));
    vi.advanceTimersByTime(6_000);
    expect(plain.door!.size).toBe(0);
    expect(await connections()).toBe(1);
    expect(plain.passed).toEqual(plain.welcomed);
    const taken = plain.taken;
    socket.write(text === '' ? post() : '}');
    await answers(1);
    expect(plain.taken).toBe(taken);
  });

  it('is closed with all others when the door is shut; the next goes to Node', async () => {
    socket.write(post());
    await answers(1);
    const closed = once(socket, 'close');
    plain.door!.shut();
    await closed;
    await inDoorAre(0);
    expect(await plain.exchange([post()])).toContain('200 OK');
    expect(plain.taken).toBe(1);
  });

  it('may be ahead of its answers, as far as is sensible: nothing is lost', async () => {
    const waiting: AnswerStream[] = [];
    plain.script = (answer) => void waiting.push(answer);
    const large = post('x'.repeat(300_000));
    socket.write(post());
    await until(
      () => waiting.length === 1,
      () => 'the first request',
    );
    socket.write(large);
    socket.write(post('last'));
    await until(
      () => plain.sockets[0]!.bytesRead === post().length + large.length + post('last').length,
      () => 'all of it to be read',
    );
    for (let count = 1; count <= 3; count += 1) {
      await until(
        () => waiting.length >= count,
        () => `request ${count}`,
      );
      waiting[count - 1]!.head({ status: 200, statusText: 'OK', headers: [], isDated: false });
      waiting[count - 1]!.end(Buffer.from(`${count}`));
      await answers(count);
    }
    expect(received).toMatch(/\r\n1\r\n1\r\n[^]*\r\n1\r\n2\r\n[^]*\r\n1\r\n3\r\n/);
  });

  it.each([300_000, 900_000])('that is ahead by %i bytes is heard hanging up all the same', async (length) => {
    Object.assign(plain.server, { httpAllowHalfOpen: false });
    const told: string[] = [];
    plain.script = (answer) => answer.attach({ drained: () => {}, finished: () => {}, closed: () => void told.push('closed') });
    socket.write(post());
    await until(
      () => plain.taken === 1,
      () => 'the request',
    );
    socket.write(post('x'.repeat(length)), () => socket.destroy());
    await until(
      () => told.length > 0,
      () => 'the end',
    );
    expect([told, plain.taken]).toEqual([['closed'], 1]);
  });

  it('that is ahead by more than a request is cut', async () => {
    plain.script = () => {};
    socket.write(post());
    await until(
      () => plain.taken === 1,
      () => 'the request',
    );
    socket.write(post('x'.repeat(plain.maxBodyBytes + 20_000)));
    await until(
      () => socket.destroyed,
      () => 'the cut',
    );
    expect(plain.taken).toBe(1);
  });

  it('hears of a client that takes more again', async () => {
    let drains = 0;
    plain.script = (answer) => {
      answer.attach({ drained: () => (drains += 1), finished: () => {}, closed: () => {} });
      answer.head({ status: 200, statusText: 'OK', headers: [], isDated: false });
      while (answer.backlog < 5_000_000) answer.write(Buffer.alloc(100_000, 'x'));
    };
    socket.pause();
    socket.write(post());
    await until(
      () => plain.taken === 1,
      () => 'the request',
    );
    expect(drains).toBe(0);
    socket.resume();
    await until(
      () => drains > 0,
      () => 'the drain',
    );
  });

  it('says nothing after the end of an answer', async () => {
    plain.script = (answer) => {
      answer.head({ status: 200, statusText: 'OK', headers: ['content-length', '3'], isDated: false });
      answer.end(Buffer.from('all'));
      answer.write(Buffer.from('MORE'));
    };
    expect(await plain.exchange([post()])).toMatch(/\r\n\r\nall$/);
  });

  it('takes no request after its last answer', async () => {
    let late: AnswerStream | undefined;
    plain.script = (answer) => void (late = answer);
    socket.write(post(BODY, 'connection: close\r\n'));
    await until(
      () => late !== undefined,
      () => 'the request',
    );
    const closed = once(socket, 'close');
    late!.head({ status: 200, statusText: 'OK', headers: [], isDated: false });
    late!.end();
    await new Promise((resolve) => process.nextTick(resolve)); // The answer is out, and the connection about to be closed.
    plain.sockets[0]!.emit('data', Buffer.from(post()));
    await closed;
    expect(plain.taken).toBe(1);
  });

  it('that breaks within a body is told of once', async () => {
    socket.write(post().slice(0, -1));
    await until(
      () => plain.welcomed.length === 1,
      () => 'the bytes',
    );
    socket.resetAndDestroy();
    await until(
      () => plain.abandonedCount === 1,
      () => 'the end',
    );
    expect([plain.taken, plain.door!.size]).toEqual([0, 0]);
  });

  it('ends with the answer if the client has ended it', async () => {
    let late: AnswerStream | undefined;
    plain.script = (answer) => void (late = answer);
    socket.write(post());
    socket.end();
    await until(
      () => late !== undefined,
      () => 'the request',
    );
    const closed = once(socket, 'close');
    late!.head({ status: 200, statusText: 'OK', headers: [], isDated: false });
    late!.end(Buffer.from('all'));
    await closed;
    expect(received).toContain('all');
  });

  it('that the client has ended is given up at once where such clients are not served', async () => {
    Object.assign(plain.server, { httpAllowHalfOpen: false });
    const told: string[] = [];
    const fate = { drained: () => {}, finished: () => void told.push('finished'), closed: () => void told.push('closed') };
    plain.script = (answer) => answer.attach(fate);
    socket.write(post());
    socket.end();
    await until(
      () => told.length > 0,
      () => 'the end',
    );
    expect(told).toEqual(['closed']);
  });

  it('that ends while its answer is written loses no byte that was before, and is never told to be done', async () => {
    Object.assign(plain.server, { httpAllowHalfOpen: false });
    const told: string[] = [];
    let late: AnswerStream | undefined;
    plain.script = (answer) => {
      answer.attach({ drained: () => {}, finished: () => void told.push('finished'), closed: () => void told.push('closed') });
      answer.head({ status: 200, statusText: 'OK', headers: [], isDated: false });
      answer.write(Buffer.alloc(9_000_000, 'x'));
      late = answer;
    };
    socket.pause();
    socket.write(post());
    await until(
      () => late !== undefined,
      () => 'the request',
    );
    socket.end();
    await until(
      () => plain.sockets[0]!.writableEnded,
      () => 'the end of the client to be heard',
    );
    late!.end();
    socket.resume();
    await until(
      () => told.length > 0 && socket.destroyed,
      () => 'the end',
    );
    expect(told).toEqual(['closed']);
    expect(received.length).toBeGreaterThan(9_000_000);
  });
});
