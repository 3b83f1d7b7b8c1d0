import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';

/*
 * The proxy to compare with, as a process of its own: what nobody could do with less, if it is to be a proxy on `node:http` and undici.
 * Its one argument is the model's address.
 */

type Headers = Record<string, string | string[] | undefined>;

const pool = new Pool(process.argv[2] ?? '', { pipelining: 1 });

const server = createServer((incoming, response) => {
  const parts: Buffer[] = [];
  incoming.on('data', (part: Buffer) => parts.push(part));
  incoming.on('end', () => {
    const headers = ['content-type', 'application/json'];
    const options = { method: 'POST', path: incoming.url ?? '/', headers, body: Buffer.concat(parts) };
    pool.dispatch(options, {
      onRequestStart: () => {},
      onResponseStart: (_controller, status, answered) => void response.writeHead(status, endToEnd(answered)),
      onResponseData: (_controller, chunk) => void response.write(chunk),
      onResponseEnd: () => void response.end(),
      onResponseError: () => void response.destroy(),
    });
  });
});

function endToEnd(headers: Headers): Headers {
  const { connection: _connection, 'keep-alive': _keepAlive, 'transfer-encoding': _transferEncoding, ...rest } = headers;
  return rest;
}

server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.on('SIGTERM', () => process.exit());
console.error(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port} `);
