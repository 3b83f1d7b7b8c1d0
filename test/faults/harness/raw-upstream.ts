import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';

/** A request in the bytes that came. */
export interface RawRequest {
  readonly startLine: string;
  readonly id: string;
  readonly body: string;
}

const ANSWER = '{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}';
const START_LINE = /^(GET \/health|(?:GET|HEAD) \/v1\/models[\x21-\x7e]*|POST \/v1\/[a-z/]+(\?[\x21-\x7e]*)?) HTTP\/1\.1$/;
const HEADER_LINE = /^[a-z0-9-]+: ?[\t\x20-\x7e\x80-\xff]*$/i;

/** What 100 MB of zeros are when compressed. */
export const BOMB = gzipSync(Buffer.alloc(100_000_000));

/**
 * A model server that reads the bytes themselves, by the strictest reading of HTTP/1.1. Whatever a laxer or another reading could take for
 * something else is a fault. It answers a body of `"model":"bomb"` with one.
 */
export class RawUpstream {
  readonly requests: RawRequest[] = [];
  readonly faults: string[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;

  private constructor() {
    this.server = createServer((socket) => this.serve(socket));
  }

  static async start(): Promise<RawUpstream> {
    const upstream = new RawUpstream();
    upstream.server.listen(0, '127.0.0.1');
    await once(upstream.server, 'listening');
    return upstream;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private serve(socket: Socket): void {
    let pending = Buffer.alloc(0);
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (part: Buffer) => {
      pending = Buffer.concat([pending, part]);
      for (;;) {
        const length = this.take(pending.toString('latin1'), socket);
        if (length === 0) return;
        pending = pending.subarray(length);
      }
    });
  }

  /** Takes the first request of the text and answers it; answers its length, 0 if it is not complete. */
  private take(text: string, socket: Socket): number {
    const headEnd = text.indexOf('\r\n\r\n');
    if (headEnd === -1) return 0;
    const [startLine = '', ...lines] = text.slice(0, headEnd).split('\r\n');
    const valuesOf = (name: string): readonly string[] =>
      lines.filter((line) => line.toLowerCase().startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trim());
    const length = Number(valuesOf('content-length')[0] ?? 0);
    const end = headEnd + 4 + length;
    if (text.length < end) return 0;
    const isPlain =
      START_LINE.test(startLine) &&
      lines.every((line) => HEADER_LINE.test(line)) &&
      valuesOf('host').length === 1 &&
      valuesOf('transfer-encoding').length === 0 &&
      valuesOf('content-length').every((value) => /^\d+$/.test(value)) &&
      valuesOf('content-length').length === (startLine.startsWith('POST') ? 1 : 0);
    if (!isPlain) this.faults.push(text.slice(0, Math.min(end, 2_000)));
    const body = text.slice(headEnd + 4, end);
    if (startLine.startsWith('POST')) this.requests.push({ startLine, id: valuesOf('x-request-id')[0] ?? '', body });
    answer(socket, startLine.startsWith('HEAD'), body.includes('"model":"bomb"'));
    return end;
  }
}

function answer(socket: Socket, isHead: boolean, isBomb: boolean): void {
  const body = isBomb ? BOMB : Buffer.from(ANSWER);
  const encoding = isBomb ? 'content-encoding: gzip\r\n' : '';
  socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${encoding}content-length: ${body.length}\r\n\r\n`);
  if (!isHead) socket.write(body);
}
