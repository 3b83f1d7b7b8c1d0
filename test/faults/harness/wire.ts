import { connect, type Socket } from 'node:net';

/** Sends the bytes on a connection of its own, in the given pieces, and resolves with what came back when the connection is closed or silent for long. */
export function exchange(url: string, pieces: readonly (string | Buffer)[], silenceMs = 300): Promise<string> {
  const { socket, received } = open(url);
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(received());
    };
    const timer = setTimeout(done, silenceMs);
    socket.once('close', done);
    socket.on('data', () => timer.refresh());
    for (const piece of pieces) socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
  });
}

/** Connections that each have sent the same bytes, and now send one byte more from time to time and never come to an end. */
export class Dawdlers {
  private readonly connections: { readonly socket: Socket; readonly received: () => string }[];
  private readonly timer: NodeJS.Timeout;

  constructor(url: string, count: number, begin: string, then: string, everyMs = 200) {
    this.connections = Array.from({ length: count }, () => open(url));
    for (const { socket } of this.connections) socket.write(begin);
    this.timer = setInterval(() => {
      for (const { socket } of this.connections) if (socket.writable) socket.write(then);
    }, everyMs);
  }

  /** What those have been told whose connection was closed by the other side. */
  get dismissed(): readonly string[] {
    return this.connections.filter(({ socket }) => socket.closed).map(({ received }) => received());
  }

  stop(): void {
    clearInterval(this.timer);
    for (const { socket } of this.connections) socket.destroy();
  }
}

/** Sends so many small requests that are answered with `status`, as fast as they are taken; resolves when all are answered. */
export async function flood(url: string, request: string, status: number, count: number): Promise<void> {
  const connections = 8;
  const atATime = 50;
  const line = `HTTP/1.1 ${status} `;
  const one = async (): Promise<void> => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    let sent = 0;
    let answered = 0;
    // A line that is cut in two is counted when the rest of it is there.
    let rest = '';
    const more = (): void => {
      socket.write(request.repeat(atATime));
      sent += atATime;
    };
    more();
    for await (const bytes of socket as AsyncIterable<Buffer>) {
      const parts = (rest + bytes.toString('latin1')).split(line);
      answered += parts.length - 1;
      rest = parts.at(-1)!.slice(1 - line.length);
      if (answered < sent) continue;
      if (sent >= count / connections) return;
      more();
    }
    throw new Error(`closed after ${answered} answers`);
  };
  await Promise.all(Array.from({ length: connections }, one));
}

function open(url: string): { readonly socket: Socket; readonly received: () => string } {
  const { hostname, port } = new URL(url);
  const parts: string[] = [];
  const socket = connect(Number(port), hostname);
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('data', (bytes) => parts.push(bytes.toString('latin1')));
  return { socket, received: () => parts.join('') };
}
