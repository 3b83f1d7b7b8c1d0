import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { ANSWER, FRAME, LAST_FRAME, USAGE_FRAME } from './work.js';

/*
 * A model server that answers at once, as a process of its own. It speaks just enough HTTP on bare sockets: it shares two cores with the proxy and the
 * load, and with a real HTTP server here the proxies would wait for it, where the quicker one would seem to be no quicker.
 */

const HEAD_END = '\r\n\r\n';
const PLAIN = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(ANSWER)}${HEAD_END}${ANSWER}`,
);
const STREAM_HEAD = `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked${HEAD_END}`;
const CHUNK = Buffer.from(chunkOf(FRAME));
const FIRST = Buffer.from(STREAM_HEAD + chunkOf(FRAME));

/** One keep-alive connection; requests come one after another. */
function serve(socket: Socket): void {
  let received = '';
  socket.setNoDelay();
  socket.on('error', () => {});
  socket.on('data', (bytes: Buffer) => {
    received += bytes.toString('latin1');
    const headEnd = received.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const length = /^content-length: *(\d+)/im.exec(received)?.[1];
    if (length === undefined) throw new Error(`a request without content-length: ${received.slice(0, headEnd)}`);
    const body = received.slice(headEnd + HEAD_END.length);
    if (body.length < Number(length)) return;
    received = '';
    if (body.includes('"stream":true')) stream(socket, body);
    else socket.write(PLAIN);
  });
}

/** How many frames and how fast is what the body says. */
function stream(socket: Socket, body: string): void {
  const frames = Number(/"max_tokens":(\d+)/.exec(body)?.[1]);
  const everyMs = Number(/"user":"every (\d+) ms"/.exec(body)?.[1]);
  const end = `${body.includes('"include_usage":true') ? chunkOf(USAGE_FRAME) : ''}${chunkOf(LAST_FRAME)}0\r\n\r\n`;
  let sent = 1;
  socket.write(FIRST);
  const timer = setInterval(() => {
    if (sent < frames && !socket.destroyed) socket.write(CHUNK);
    else finish();
    sent += 1;
  }, everyMs);
  const finish = (): void => {
    clearInterval(timer);
    socket.removeListener('close', finish);
    if (!socket.destroyed) socket.write(end);
  };
  socket.once('close', finish);
}

function chunkOf(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

const server = createServer({ noDelay: true }, serve);
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.on('SIGTERM', () => process.exit());
console.error(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port} `);
