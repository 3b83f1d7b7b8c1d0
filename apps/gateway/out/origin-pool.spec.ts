import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { makeCertificate } from '../../../test/support/certificate.js';
import { waitFor } from '../../../test/support/wait.js';
import { OriginPool, type AnswerHandler, type Call, type OriginTimeouts } from './origin-pool.js';

const TIMEOUTS: OriginTimeouts = { connectMs: 5_000, headersMs: 10_000, idleMs: 10_000, keepAliveMs: 10_000 };
const HELLO = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello';
const NEVER = 60_000;

/** One connection as the origin sees it. */
interface Visit {
  readonly socket: Socket;
  received: string;
  isClosed: boolean;
}

let origin: Server;
let visits: Visit[];
/** What the origin answers to what it has received so far; nothing where undefined. */
let answer: (received: string, socket: Socket) => string | undefined;
let pool: OriginPool;

function welcome(socket: Socket): void {
  const visit: Visit = { socket, received: '', isClosed: false };
  visits.push(visit);
  socket.on('error', () => {});
  socket.on('close', () => (visit.isClosed = true));
  socket.on('data', (bytes: Buffer) => {
    visit.received += bytes.toString('latin1');
    const text = answer(visit.received, socket);
    if (text !== undefined) socket.write(text, 'latin1');
  });
}

beforeEach(async () => {
  visits = [];
  answer = () => HELLO;
  origin = createServer(welcome).listen(0, '127.0.0.1');
  await once(origin, 'listening');
  pool = poolTo(origin);
});

afterEach(() => {
  pool.close();
  origin.close();
  for (const { socket } of visits) socket.destroy();
});

function poolTo(server: Server, timeouts: Partial<OriginTimeouts> = {}, scheme = 'http'): OriginPool {
  return new OriginPool(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/base/`, { ...TIMEOUTS, ...timeouts });
}

/** What a handler was told; `call` is there once `send` has returned. */
interface Told {
  status: number | undefined;
  body: string;
  outcome: Promise<string>;
  call: Call;
}

interface Asking {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: string[];
  readonly body?: Buffer;
  /** Whether more is wanted after a piece of the body. */
  readonly takes?: (told: Told) => boolean;
}

function ask({ method = 'POST', path = '/v1', headers = [], body = Buffer.from('{}'), takes = () => true }: Asking = {}): Told {
  const { promise, resolve } = Promise.withResolvers<string>();
  const told: Told = { status: undefined, body: '', outcome: promise, call: { resume: () => {}, abort: () => {} } };
  const handler: AnswerHandler = {
    head: ({ status }) => void (told.status = status),
    data: (chunk) => {
      told.body += chunk.toString('latin1');
      return takes(told);
    },
    end: () => resolve('end'),
    failed: (cause) => resolve(cause),
  };
  told.call = pool.send({ method, path, headers, body: method === 'POST' ? body : undefined }, handler);
  return told;
}

async function closed(index: number): Promise<void> {
  await waitFor(`the end of connection ${index}`, async () => visits[index]?.isClosed);
}

describe('OriginPool', () => {
  it('writes a request, and tells its answer', async () => {
    const told = ask({ headers: ['x-name', 'caf\xe9'], body: Buffer.from('{"a":1}') });
    expect(await told.outcome).toBe('end');
    expect([told.status, told.body]).toEqual([200, 'hello']);
    const { host } = new URL(`http://${pool.name}`);
    expect(visits[0]!.received).toBe(
      `POST /base/v1 HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\nx-name: caf\xe9\r\ncontent-length: 7\r\n\r\n{"a":1}`,
    );
  });

  it('writes large bodies whole', async () => {
    const body = Buffer.alloc(3_000_000, 'abc');
    answer = (received) => (received.endsWith('}') ? HELLO : undefined);
    const told = ask({ body: Buffer.concat([body, Buffer.from('}')]) });
    expect(await told.outcome).toBe('end');
    const { received } = visits[0]!;
    expect(received.slice(received.indexOf('\r\n\r\n') + 4)).toBe(`${body.toString()}}`);
  });

  it('says how long a body is that is not there only where there could be one', async () => {
    await ask({ method: 'GET' }).outcome;
    expect(visits[0]!.received).not.toContain('content-length');
    await ask({ body: Buffer.alloc(0) }).outcome;
    expect(visits[0]!.received).toContain('content-length: 0\r\n\r\n');
  });

  it('uses a connection again, and opens as many as are needed at a time', async () => {
    for (let round = 0; round < 3; round += 1) expect(await ask().outcome).toBe('end');
    expect(visits).toHaveLength(1);
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => ask().outcome));
    expect([outcomes.every((outcome) => outcome === 'end'), visits.length]).toEqual([true, 5]);
  });

  it.each([
    ['is told to close it', 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello'],
    ['got more than the answer', `${HELLO}HTTP/1.1 200 OK\r\n`],
    ['got an answer of HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello'],
  ])('uses no connection again that %s', async (_, text) => {
    answer = () => text;
    expect([await ask().outcome, await ask().outcome, visits.length]).toEqual(['end', 'end', 2]);
    await closed(0);
  });

  it('closes a connection on which something comes that nobody asked for', async () => {
    await ask().outcome;
    visits[0]!.socket.write('HTTP/1.1 200 OK\r\n\r\n');
    await closed(0);
    expect([await ask().outcome, visits.length]).toEqual(['end', 2]);
  });

  it('does not use a connection again whose request was answered before it was read', async () => {
    answer = (_, socket) => {
      socket.pause();
      return 'HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n';
    };
    const told = ask({ body: Buffer.alloc(30_000_000) });
    expect([await told.outcome, told.status]).toEqual(['end', 413]);
    await ask().outcome;
    expect(visits).toHaveLength(2);
  });

  it('gives up idle connections after a while', async () => {
    pool.close();
    pool = poolTo(origin, { keepAliveMs: 50 });
    await ask().outcome;
    await closed(0);
    expect([await ask().outcome, visits.length]).toEqual(['end', 2]);
  });

  it('opens another connection when the origin has closed one', async () => {
    await ask().outcome;
    visits[0]!.socket.end();
    await closed(0);
    expect([await ask().outcome, visits.length]).toEqual(['end', 2]);
  });

  it('takes the end of the connection for the end of an answer only where it is one', async () => {
    answer = (_, socket) => {
      socket.end('HTTP/1.1 200 OK\r\n\r\nhello');
      return undefined;
    };
    const told = ask();
    expect([await told.outcome, told.body]).toEqual(['end', 'hello']);
    answer = (_, socket) => {
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello');
      return undefined;
    };
    const cut = ask();
    expect([await cut.outcome, cut.body]).toEqual(['broken', 'hello']);
  });

  it('does not take a reset for the end of an answer', async () => {
    answer = () => 'HTTP/1.1 200 OK\r\n\r\nhello';
    const told = ask();
    await waitFor('the body', async () => told.body === 'hello');
    visits[0]!.socket.resetAndDestroy();
    expect(await told.outcome).toBe('broken');
  });

  it('tells an answer that is none as broken', async () => {
    answer = () => 'SSH-2.0-OpenSSH_9.2\r\n\r\n';
    expect(await ask().outcome).toBe('broken');
    await closed(0);
  });

  it('knows that there is no connection', async () => {
    origin.close();
    expect(await ask().outcome).toBe('unreachable');
  });

  it('gives a connection up that is not made in time', async () => {
    pool.close();
    pool = poolTo(origin, { connectMs: 50 }, 'https');
    answer = () => undefined;
    expect(await ask().outcome).toBe('unreachable');
    await closed(0);
  });

  it.each([
    ['first byte', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n', { headersMs: 50, idleMs: NEVER }],
    ['next byte', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell', { headersMs: NEVER, idleMs: 50 }],
  ])('gives an answer up whose %s does not come in time', async (_, text, timeouts) => {
    pool.close();
    pool = poolTo(origin, timeouts);
    answer = () => text;
    expect(await ask().outcome).toBe('timeout');
    await closed(0);
  });

  it('ends the connection of a call that is given up, and tells nothing more', async () => {
    answer = () => 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello';
    const told = ask();
    await waitFor('the body', async () => told.body === 'hello');
    told.call.abort();
    await closed(0);
    expect(await Promise.race([told.outcome, Promise.resolve('nothing')])).toBe('nothing');
  });

  it('leaves a connection alone whose call was over when it was given up', async () => {
    const first = ask();
    await first.outcome;
    answer = (received, socket) => {
      if (received.split('POST').length === 3) setImmediate(() => socket.write(HELLO));
      return undefined;
    };
    const second = ask();
    first.call.abort();
    expect([await second.outcome, visits.length]).toEqual(['end', 1]);
  });

  it('reads no more than it has at hand from an origin while its handler takes nothing', async () => {
    const size = 20_000_000;
    answer = (_, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`);
      socket.write(Buffer.alloc(size));
      return undefined;
    };
    let isOpen = false;
    const told = ask({ takes: () => isOpen });
    await waitFor('a full connection', async () => told.body.length > 0 && visits[0]!.socket.writableLength > 0);
    const atFirst = told.body.length;
    expect(atFirst).toBeLessThanOrEqual(65_536);
    // Another request goes all the way meanwhile.
    answer = () => HELLO;
    await ask().outcome;
    expect(told.body.length).toBe(atFirst);
    isOpen = true;
    told.call.resume();
    expect([await told.outcome, told.body.length]).toEqual(['end', size]);
  });

  it('uses a connection again that was held up when its answer ended', async () => {
    expect(await ask({ takes: () => false }).outcome).toBe('end');
    expect([await ask().outcome, visits.length]).toEqual(['end', 1]);
  });

  it('keeps what it has told apart from what it reads next', async () => {
    const held: Buffer[] = [];
    let count = 0;
    answer = () => `HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n${String((count += 1)).repeat(1_000)}`;
    const handlerOf = (done: () => void): AnswerHandler => ({
      head: () => {},
      data: (chunk) => {
        held.push(chunk);
        return true;
      },
      end: done,
      failed: done,
    });
    for (let round = 0; round < 3; round += 1) {
      await new Promise<void>((resolve) => pool.send({ method: 'GET', path: '/', headers: [] }, handlerOf(resolve)));
    }
    expect(Buffer.concat(held).toString()).toBe('1'.repeat(1_000) + '2'.repeat(1_000) + '3'.repeat(1_000));
  });

  it('sends nothing that could be taken for more than one header or request', () => {
    expect(() => ask({ headers: ['x-a', 'b\r\nx-c: d'] })).toThrow('the header x-a');
    expect(() => ask({ path: '/v1 HTTP/1.1\r\n\r\nGET /' })).toThrow('the target');
    expect(visits).toEqual([]);
  });

  it('breaks what is under way when it is closed, and takes nothing more', async () => {
    answer = () => undefined;
    ask().call.abort();
    const told = ask();
    await waitFor('the request', async () => visits.some(({ received }) => received !== ''));
    pool.close();
    expect(await told.outcome).toBe('broken');
    expect(() => ask()).toThrow('closed');
    await waitFor('the end of all connections', async () => visits.every(({ isClosed }) => isClosed));
  });

  it('speaks TLS, with a certificate that is checked', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'origin-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const files = makeCertificate(folder, '-subj', '/CN=origin', '-addext', 'subjectAltName=IP:127.0.0.1');
    const [key, cert] = [readFileSync(files.key), readFileSync(files.cert, 'utf8')];
    const server = createTlsServer({ key, cert }, welcome).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    pool.close();
    pool = poolTo(server, {}, 'https');
    expect(await ask().outcome).toBe('unreachable');

    const usual = getCACertificates('default');
    onTestFinished(() => setDefaultCACertificates(usual));
    setDefaultCACertificates([...usual, cert]);
    for (let round = 0; round < 3; round += 1) {
      const told = ask({ takes: () => false });
      expect([await told.outcome, told.body]).toEqual(['end', 'hello']);
    }
    expect(visits).toHaveLength(1);
  });
});
