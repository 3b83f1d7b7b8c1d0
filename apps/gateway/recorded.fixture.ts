import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { basename, join } from 'node:path';
import { sharedFile } from '../../test/support/shared.js';

/** One HTTP message as it stood on the wire. */
export interface Message {
  readonly startLine: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** Without its chunk framing. */
  readonly body: Buffer;
  readonly raw: Buffer;
}

/** A real engine's answer, and what it was asked where that was recorded. */
export interface Exchange {
  /** `vllm-0.32/chat`. */
  readonly name: string;
  readonly request: Message | undefined;
  readonly answer: Message;
}

/** All exchanges that were recorded whole; none where this machine does not have them. */
export function recordedExchanges(): readonly Exchange[] {
  return ['vllm-0.32', 'llama.cpp'].flatMap((engine) => {
    const folder = sharedFile(`engines/${engine}`);
    if (folder === undefined) return [];
    const names = readdirSync(folder).filter((file) => file.endsWith('.http'));
    return names.flatMap((file) => exchangeOf(engine, folder, basename(file, '.http')) ?? []);
  });
}

function exchangeOf(engine: string, folder: string, name: string): Exchange | undefined {
  const answer = readFileSync(join(folder, `${name}.http`));
  const request = readOptional(join(folder, `${name}.req`));
  if ([answer, request].some((bytes) => bytes?.includes('...[cut'))) return undefined;
  return { name: `${engine}/${name}`, request: request && messageOf(request), answer: messageOf(withoutContinue(answer)) };
}

function readOptional(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

/** An interim answer comes only to those who asked for it. */
function withoutContinue(raw: Buffer): Buffer {
  return raw.toString('latin1').startsWith('HTTP/1.1 100') ? raw.subarray(raw.indexOf('\r\n\r\n') + 4) : raw;
}

export function messageOf(raw: Buffer): Message {
  const end = raw.indexOf('\r\n\r\n');
  const [startLine = '', ...lines] = raw.subarray(0, end).toString('latin1').split('\r\n');
  const headers = lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
  const body = raw.subarray(end + 4);
  return { startLine, headers, body: headerOf({ headers }, 'transfer-encoding') === 'chunked' ? dechunked(body) : body, raw };
}

export function headerOf({ headers }: Pick<Message, 'headers'>, name: string): string | undefined {
  const at = headers.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === name);
  return at === -1 ? undefined : headers[at + 1];
}

function dechunked(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = body.indexOf('\r\n', at);
    const size = parseInt(body.toString('latin1', at, lineEnd), 16);
    if (!(size > 0)) return Buffer.concat(parts);
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}

/** Answers every connection with recorded bytes, as they are, once it has read one whole request. */
export class ReplayServer {
  answer: Buffer = Buffer.alloc(0);
  lastRequest: Message | undefined;

  private constructor(private readonly server: Server) {
    server.on('connection', (socket: Socket) => this.serve(socket));
  }

  static async start(): Promise<ReplayServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new ReplayServer(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(socket: Socket): void {
    let bytes = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (part: Buffer) => {
      bytes = Buffer.concat([bytes, part]);
      if (!bytes.includes('\r\n\r\n')) return;
      const message = messageOf(bytes);
      if (message.body.length < Number(headerOf(message, 'content-length') ?? 0)) return;
      this.lastRequest = message;
      socket.end(this.answer);
    });
  }
}
