import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/*
 * A client that costs next to nothing: a bare socket, one request at a time, an answer that is looked at only so far as to know where it ends.
 * With a real HTTP client the load would take more of the two cores than what is measured.
 */

const HEAD_END = '\r\n\r\n';
const CHUNKED_END = '0\r\n\r\n';

/** How long an answer took, in ms from when its request was written. */
export interface Timing {
  /** The first bytes of the body were there. */
  readonly firstMs: number;
  /** All of it was there. */
  readonly lastMs: number;
}

/** One keep-alive connection. `ask` may be called again when the last answer is complete. */
export class Connection {
  private head = '';
  /** Of the body; undefined before it begins, and while its length is not known. */
  private remaining: number | undefined;
  private isInBody = false;
  private tail = '';
  private startMs = 0;
  private firstMs = 0;
  private waiting: PromiseWithResolvers<Timing> | undefined;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (bytes: Buffer) => this.take(bytes.toString('latin1')));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the connection was closed')));
  }

  static async open(url: string): Promise<Connection> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    return new Connection(socket);
  }

  /** Rejects unless the answer is a whole one, with status 200. */
  ask(request: Buffer): Promise<Timing> {
    this.head = '';
    this.isInBody = false;
    this.firstMs = 0;
    this.waiting = Promise.withResolvers();
    this.startMs = performance.now();
    this.socket.write(request);
    return this.waiting.promise;
  }

  close(): void {
    this.waiting = undefined;
    this.socket.destroy();
  }

  private take(text: string): void {
    if (this.isInBody) return this.takeBody(text);
    this.head += text;
    const end = this.head.indexOf(HEAD_END);
    if (end === -1) return;
    if (!this.head.startsWith('HTTP/1.1 200 ')) return this.fail(new Error(`answered ${this.head.slice(0, 500)}`));
    const length = /content-length: *(\d+)/i.exec(this.head)?.[1];
    this.remaining = length === undefined ? undefined : Number(length);
    this.isInBody = true;
    this.tail = '';
    this.takeBody(this.head.slice(end + HEAD_END.length));
  }

  private takeBody(text: string): void {
    if (text === '') return;
    if (this.firstMs === 0) this.firstMs = performance.now();
    if (this.remaining === undefined) this.tail = (this.tail + text).slice(-CHUNKED_END.length);
    else this.remaining -= text.length;
    if (this.remaining === 0 || this.tail === CHUNKED_END) this.finish();
  }

  private finish(): void {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.resolve({ firstMs: this.firstMs - this.startMs, lastMs: performance.now() - this.startMs });
  }

  private fail(error: Error): void {
    this.waiting?.reject(error);
    this.waiting = undefined;
  }
}

/** Requests that were answered, and how long that took. */
export interface Load {
  readonly answers: number;
  readonly seconds: number;
}

/** Asks on `connections` connections at a time, each its next request when it has the last answer, until `limitMs` have passed. */
export async function load(url: string, request: Buffer, connections: number, limitMs: number): Promise<Load> {
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(url)));
  const startMs = performance.now();
  let answers = 0;
  const keepAsking = async (connection: Connection): Promise<void> => {
    do {
      await connection.ask(request);
      answers += 1;
    } while (performance.now() - startMs < limitMs);
  };
  try {
    await Promise.all(open.map(keepAsking));
  } finally {
    for (const connection of open) connection.close();
  }
  return { answers, seconds: (performance.now() - startMs) / 1000 };
}
