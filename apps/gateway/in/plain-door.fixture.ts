import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createConnection, type AddressInfo, type Socket } from 'node:net';
import type { PlainHead } from '../core/plain-request.js';
import { NodeAnswerStream, type AnswerStream } from './answer-stream.js';
import type { PlainHost } from './client-connection.js';
import { PlainDoor } from './plain-door.js';

/** What a request was, as its server understood it. */
export interface Seen {
  readonly target: string;
  readonly headers: unknown;
  readonly body: string;
}

/** Answers a request; at once, or later. */
export type Script = (answer: AnswerStream, seen: Seen) => void;

const IGNORED = { drained: () => {}, finished: () => {}, closed: () => {} };

/** An HTTP server that answers every request by its script: with a door before it, which takes what goes to `/plain` or nothing, or without one. */
export class EchoServer implements PlainHost<PlainHead> {
  script: Script = echo;
  /** Requests that the door has taken. */
  taken = 0;
  /** Requests that were left before their end. */
  abandonedCount = 0;
  /** Heads that it has taken, and given to Node after all. */
  readonly welcomed: string[] = [];
  readonly passed: string[] = [];
  readonly maxBodyBytes = 1_000_000;
  readonly door: PlainDoor | undefined;
  readonly server: Server;
  /** The server's ends of all connections. */
  readonly sockets: Socket[] = [];

  private constructor(private readonly kind: 'open' | 'shut' | 'none') {
    this.server = createServer({ keepAliveTimeout: 72_000 }, (request, response) => this.answerByNode(request, response));
    Object.assign(this.server, { httpAllowHalfOpen: true });
    if (kind !== 'none') this.door = new PlainDoor(this.server, this);
    this.server.on('connection', (socket) => this.sockets.push(socket));
  }

  static async start(kind: 'open' | 'shut' | 'none'): Promise<EchoServer> {
    const server = new EchoServer(kind);
    server.server.listen(0, '127.0.0.1');
    await once(server.server, 'listening');
    return server;
  }

  welcome(head: PlainHead): PlainHead | undefined {
    if (this.kind !== 'open' || !head.target.startsWith('/plain')) return undefined;
    this.welcomed.push(head.target);
    return head;
  }

  serve({ target, headers }: PlainHead, body: Buffer, answer: AnswerStream): void {
    this.taken += 1;
    answer.attach(IGNORED);
    this.script(answer, { target, headers, body: body.toString('latin1') });
  }

  abandoned(): void {
    this.abandonedCount += 1;
  }

  passedOn({ target }: PlainHead): void {
    this.passed.push(target);
  }

  connect(): Socket {
    const socket = createConnection((this.server.address() as AddressInfo).port, '127.0.0.1');
    return socket.setNoDelay(true).on('error', () => {});
  }

  /** All that comes back for these pieces until the connection is closed. After each piece follow so many turns of the event loop. */
  async exchange(pieces: readonly string[], turns = 1): Promise<string> {
    const socket = this.connect();
    let received = '';
    socket.on('data', (bytes) => (received += bytes.toString('latin1')));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await once(socket, 'connect');
    for (const piece of pieces) {
      if (socket.writable) socket.write(piece, 'latin1');
      for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    socket.end();
    await closed;
    return received;
  }

  async close(): Promise<void> {
    this.door?.shut();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answerByNode(request: IncomingMessage, response: ServerResponse): void {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('error', () => {});
    request.on('end', () => {
      const answer = new NodeAnswerStream(response);
      answer.attach(IGNORED);
      const { url: target = '', headers } = request;
      this.script(answer, { target, headers, body: Buffer.concat(parts).toString('latin1') });
    });
  }
}

function echo(answer: AnswerStream, seen: Seen): void {
  answer.head({ status: 200, statusText: 'OK', headers: ['content-type', 'application/json'], isDated: false });
  answer.end(Buffer.from(JSON.stringify(seen)));
}

export const BODY = '{"a":1}';

/** A plain request. */
export function post(body = BODY, fields = '', target = '/plain'): string {
  return `POST ${target} HTTP/1.1\r\nhost: x\r\n${fields}content-length: ${body.length}\r\n\r\n${body}`;
}
