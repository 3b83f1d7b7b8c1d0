import fc from 'fast-check';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OriginPool } from './origin-pool.js';

/*
 * The same answers, read by this client and by undici, whose parser is Node's own. What that refuses must not be taken for an answer here, and what
 * both take must be the same.
 */

let origin: Server;
let pool: OriginPool;
let undici: Agent;
/** What the origin sends next, before it closes the connection. */
let text: string;

beforeAll(async () => {
  origin = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(text, 'latin1'));
  }).listen(0, '127.0.0.1');
  await once(origin, 'listening');
  const timeouts = { connectMs: 5_000, headersMs: 5_000, idleMs: 5_000, keepAliveMs: 5_000 };
  undici = new Agent({ pipelining: 1 });
  pool = new OriginPool(`http://127.0.0.1:${portOf()}`, timeouts);
});

afterAll(async () => {
  pool.close();
  origin.close();
  await undici.destroy();
});

function portOf(): number {
  return (origin.address() as AddressInfo).port;
}

/** Status and body of a whole answer; undefined if there was none. */
type Whole = readonly [status: number, body: string] | undefined;

function readHere(): Promise<Whole> {
  return new Promise((resolve) => {
    let status = 0;
    let body = '';
    pool.send(
      { method: 'GET', path: '/', headers: [] },
      {
        head: (head) => void (status = head.status),
        data: (chunk) => {
          body += chunk.toString('latin1');
          return true;
        },
        end: () => resolve([status, body]),
        failed: () => resolve(undefined),
      },
    );
  });
}

async function readByUndici(): Promise<Whole> {
  try {
    const { statusCode, body } = await request(`http://127.0.0.1:${portOf()}`, { dispatcher: undici });
    return [statusCode, Buffer.from(await body.arrayBuffer()).toString('latin1')];
  } catch {
    return undefined;
  }
}

const FIELDS = [
  'content-length: 3',
  'Content-Length: 12',
  'content-length: 0',
  'content-length: x',
  'content-length: 3, 3',
  'transfer-encoding: chunked',
  'Transfer-Encoding: identity',
  'transfer-encoding: gzip, chunked',
  'connection: close',
  'connection: keep-alive',
  'x-a: b',
  'x-a : b',
  ' folded',
  'x-a: caf\xe9',
  'x-a: \x01',
  'x-a',
  '',
];
const STARTS = [
  'HTTP/1.1 200 OK',
  'HTTP/1.1 200',
  'HTTP/1.0 200 OK',
  'HTTP/1.1 404 Not Found',
  'HTTP/1.1 204 No Content',
  'HTTP/1.1 304 Not Modified',
  'HTTP/1.1 100 Continue',
  'HTTP/2.0 200 OK',
  'HTTP/1.1 20',
];
const BODIES = [
  '',
  'abc',
  '3\r\nabc\r\n',
  '3;x=y\r\nabc\r\n',
  '0\r\n\r\n',
  '0\r\nx: y\r\n\r\n',
  '3\r\nabcd\r\n',
  '3\nabc\n',
  'g\r\n',
  '00003\r\nabc\r\n',
  ' 3\r\nabc\r\n',
];

const answers = fc
  .record({
    interim: fc.boolean(),
    start: fc.constantFrom(...STARTS),
    fields: fc.array(fc.constantFrom(...FIELDS), { maxLength: 4 }),
    body: fc.array(fc.constantFrom(...BODIES), { maxLength: 3 }),
  })
  .map(({ interim, start, fields, body }) => {
    const before = interim ? 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n' : '';
    return `${before}${[start, ...fields, '', ''].join('\r\n')}${body.join('')}`;
  });

describe('answers of an origin', () => {
  it('are taken only if undici takes them, and for the same', async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(answers, async (answer) => {
        text = answer;
        const [here, byUndici] = [await readHere(), await readByUndici()];
        if (here) taken += 1;
        expect(here ?? byUndici).toEqual(byUndici);
      }),
      { numRuns: 1_500 },
    );
    expect(taken).toBeGreaterThan(50);
  });
});
