import { createConnection, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ScriptedUpstream, streamWords } from './scripted-upstream.fixture.js';
import { chatBody, send, TestGateway, until, type Sent } from './test-gateway.fixture.js';
import { NODES_WAY } from './wire.fixture.js';

const BODY = Buffer.alloc(30_000_000, ' ');

let upstream: ScriptedUpstream;
let gateway: TestGateway;
let socket: Socket;

function chat(): Sent {
  return send(`${gateway.url}/v1/chat/completions`, { body: chatBody({ stream: true }) });
}

/** A client that does not read, until the upstream has given its whole answer. */
async function slowChat(field = ''): Promise<void> {
  socket = createConnection(Number(new URL(gateway.url).port), '127.0.0.1');
  socket.pause();
  const body = chatBody();
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-request-id: slow\r\n${field}content-length: ${body.length}\r\n\r\n${body}`,
  );
  await until(
    () => upstream.seen.length === 1 && upstream.inside === 0,
    () => 'the upstream to be done',
  );
}

async function untilQueueIs(queue: { waiting: number; running: number }): Promise<void> {
  await vi.waitFor(async () => {
    const { body } = await send(`${gateway.url}/health`, { method: 'GET' }).answer;
    expect(JSON.parse(body.toString())).toMatchObject({ queue });
  }, 5_000);
}

beforeEach(async () => {
  upstream = await ScriptedUpstream.start();
});

afterEach(async () => {
  socket.destroy();
  await gateway.drain();
  await gateway.close();
  await upstream.close();
});

describe.each([
  ['of the gateway itself', ''],
  ["of Node's server", NODES_WAY],
])('a client %s that reads slowly', (_whose, field) => {
  beforeEach(async () => {
    gateway = await TestGateway.start(upstream.url, { MAX_CONCURRENT_REQUESTS: '1', CLIENT_BUFFER_BYTES: '60000000' });
    upstream.script = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': BODY.length }).end(BODY);
    };
  });

  it('gives its place away as soon as the upstream is done, and ends when it has read all', async () => {
    await slowChat(field);
    upstream.script = streamWords('a');
    expect((await chat().answer).status).toBe(200);
    await untilQueueIs({ waiting: 0, running: 1 });
    expect(gateway.lifecycle('slow')).toEqual(['received', 'started']);
    let read = 0;
    socket.on('data', (part: Buffer) => (read += part.length));
    socket.resume();
    await until(
      () => read > BODY.length,
      () => 'the answer',
    );
    await until(
      () => gateway.lifecycle('slow').length === 3,
      () => 'the end of the slow one',
    );
    expect(gateway.lifecycle('slow')).toEqual(['received', 'started', 'completed']);
    expect(upstream.peak).toBe(1);
    await untilQueueIs({ waiting: 0, running: 0 });
  });

  it('may hang up then, and no place is given away twice', async () => {
    await slowChat(field);
    socket.destroy();
    expect(await gateway.cancelled()).toMatchObject({ request_id: 'slow' });
    await untilQueueIs({ waiting: 0, running: 0 });
    upstream.script = (request, response) => setTimeout(() => streamWords('a')(request, response), 5);
    await Promise.all(Array.from({ length: 5 }, () => chat().answer));
    expect(upstream.peak).toBe(1);
  });
});
