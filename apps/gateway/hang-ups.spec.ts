import { createConnection, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { chatChunk, DONE, ScriptedUpstream, startStream } from './scripted-upstream.fixture.js';
import { chatBody, send, TestGateway, until } from './test-gateway.fixture.js';
import { NODES_WAY } from './wire.fixture.js';

const REQUESTS = 1_500;
const AT_A_TIME = 60;
const PLACES = 8;
const DEADLINE_MS = 25_000;

let upstreams: ScriptedUpstream[];
let gateway: TestGateway;
/** Requests at all upstreams together, and the most there ever were. */
let together: number;
let peak: number;

/** Numbers from 0 to 1, the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Streams some words, with pauses. */
function streamSlowly(upstream: ScriptedUpstream, random: () => number): void {
  upstream.script = (_request, response) => {
    together += 1;
    peak = Math.max(peak, together);
    response.once('close', () => (together -= 1));
    const words = 1 + Math.floor(random() * 5);
    const step = (left: number): void => {
      if (response.destroyed) return;
      if (left === words) startStream(response);
      if (left === 0) return void response.end(DONE);
      response.write(chatChunk({ content: 'x' }));
      setTimeout(() => step(left - 1), random() * 4);
    };
    setTimeout(() => step(words), random() * 8);
  };
}

const isEnd = (type: string): boolean => /\.(completed|failed|cancelled)\.v1$/.test(type);

/** One client. It reads its answer to the end, or hangs up: within its request, after a while, or in the middle of the answer. */
async function client(id: string, random: () => number): Promise<void> {
  const socket = createConnection(Number(new URL(gateway.url).port), '127.0.0.1');
  socket.on('error', () => {});
  const body = chatBody({ stream: true });
  const way = random() < 0.5 ? NODES_WAY : ''; // Node's server takes the one, the gateway itself the other.
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n${way}connection: close\r\nx-request-id: ${id}\r\ncontent-length: ${body.length}\r\n\r\n`;
  const what = random();
  if (what < 0.2) {
    socket.write(head + body.slice(0, Math.floor(random() * body.length)), () => hangUpIn(socket, random() * 3));
  } else {
    socket.write(head + body);
    if (what < 0.5) hangUpIn(socket, random() * 25);
    else if (what < 0.7) socket.once('data', () => hangUpIn(socket, random() * 4));
  }
  socket.resume();
  await new Promise((resolve) => socket.once('close', resolve));
}

function hangUpIn(socket: Socket, delayMs: number): void {
  setTimeout(() => (delayMs > 2 ? socket.destroy() : socket.resetAndDestroy()), delayMs);
}

/** Until no place is taken any more, neither of the gateway nor of an upstream. */
async function untilIdle(): Promise<void> {
  const idle = { queue: { waiting: 0, running: 0 }, upstreams: [{ running: 0 }, { running: 0 }] };
  await vi.waitFor(async () => {
    const { body } = await send(`${gateway.url}/health`, { method: 'GET' }).answer;
    expect(JSON.parse(body.toString())).toMatchObject(idle);
  }, DEADLINE_MS);
}

beforeEach(async () => {
  together = 0;
  peak = 0;
  upstreams = [await ScriptedUpstream.start(), await ScriptedUpstream.start()];
});

afterEach(async () => {
  await gateway.drain();
  await gateway.close();
  for (const upstream of upstreams) await upstream.close();
});

it('clients that hang up at any moment leave one terminal event each, and nothing else', { timeout: 60_000 }, async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  console.info(`seed ${seed}`);
  const random = randomOf(seed);
  const env = { MAX_CONCURRENT_REQUESTS: `${PLACES}`, MAX_QUEUE_SIZE: '30', QUEUE_TIMEOUT_MS: '40' };
  gateway = await TestGateway.start(upstreams.map(({ url }) => url).join(','), env);
  for (const upstream of upstreams) streamSlowly(upstream, random);
  let next = 0;
  const deadlineMs = performance.now() + DEADLINE_MS;
  const oneAfterTheOther = async (): Promise<void> => {
    while (next < REQUESTS && performance.now() < deadlineMs) {
      next += 1;
      await client(`r${next}`, random);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, oneAfterTheOther));
  expect(next).toBe(REQUESTS);
  await until(
    () => upstreams.every(({ inside }) => inside === 0),
    () => 'the upstreams to be given up',
  );
  await until(
    () => gateway.events.filter(({ type }) => isEnd(type)).length >= gateway.ofType('io.inferometer.request.received.v1').length,
    () => 'every request to end',
  );
  const received = gateway.ofType('io.inferometer.request.received.v1');
  const ends = gateway.events.filter(({ type }) => isEnd(type)).map(({ subject }) => subject);
  expect(new Set(ends).size).toBe(ends.length);
  expect(new Set(ends)).toEqual(new Set(received.map(({ subject }) => subject)));
  const phases = gateway.ofType('io.inferometer.request.cancelled.v1').map(({ data }) => data.phase);
  expect(new Set(phases)).toEqual(new Set(['queued', 'before_first_token', 'streaming']));
  await untilIdle();
  expect(peak).toBe(PLACES);
});
