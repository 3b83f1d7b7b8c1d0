import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { waitFor } from '../support/wait.js';
import { FaultyUpstream } from './harness/faulty-upstream.js';
import { GatewayProcess, mebibytes } from './harness/gateway-process.js';
import { inLongRun, randomFor } from './harness/plan.js';
import { Told } from './harness/told.js';
import { Visitors } from './harness/visitor.js';

const MANY = await affordable(inLongRun(500, 100));
const BUFFER_BYTES = 65_536;
/** What undici may have read before it was told to stop, and the objects of two connections. */
const BESIDE_BYTES = 196_608;
/** What has passed and is garbage that nobody has collected yet. Without back-pressure each of the readers alone would cost 64 MB. */
const GARBAGE_BYTES = 250_000_000;
/** Long enough that the last reader has stalled before the first is dropped. */
const STALL_MS = 8_000;
const DROP_DEADLINE_MS = 90_000;

const ENV = {
  MAX_CONCURRENT_REQUESTS: `${MANY}`,
  CLIENT_BUFFER_BYTES: `${BUFFER_BYTES}`,
  CLIENT_STALL_TIMEOUT_MS: `${STALL_MS}`,
  NODE_OPTIONS: '--max-semi-space-size=4 --v8-pool-size=1', // As in `npm run start:gateway`.
};

/**
 * As many of the wanted readers as the system can buffer for without running short: it holds some megabytes for each of the two connections of
 * one that does not read, long before the gateway has to hold anything.
 */
async function affordable(wanted: number): Promise<number> {
  const most = Math.floor((0.7 * tcpBytes()) / (2 * (await bytesPerConnection())));
  if (most < wanted) console.warn(`${most} slow readers, not ${wanted}: this machine has no more memory for TCP`);
  return Math.min(wanted, most);
}

/** How much memory the system gives to all connections together without pressing for less; Infinity where it does not say so. */
function tcpBytes(): number {
  const limits = '/proc/sys/net/ipv4/tcp_mem';
  const [, pages = Infinity] = existsSync(limits) ? readFileSync(limits, 'utf8').split(/\s+/).map(Number) : [];
  return pages * 4_096;
}

/** What the system takes of an answer that nobody reads. */
async function bytesPerConnection(): Promise<number> {
  const part = Buffer.alloc(65_536);
  const held = Promise.withResolvers<number>();
  const server = createServer((_request, response) => {
    const { socket } = response;
    let timer: NodeJS.Timeout | undefined;
    const write = (): void => {
      clearTimeout(timer);
      while (response.write(part));
      timer = setTimeout(() => held.resolve(socket!.bytesWritten), 300);
      response.once('drain', write);
    };
    write();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  try {
    return await held.promise;
  } finally {
    client.destroy();
    server.close();
    server.closeAllConnections();
  }
}

/** Until so many answers are held up, and none of them moves any more. */
async function untilStalled(upstream: FaultyUpstream, count: number): Promise<void> {
  let before: readonly number[] = [];
  await waitFor(
    `${count} answers to be held up`,
    async () => {
      const sockets = [...upstream.sightings.values()].flatMap((seen) => seen.map(({ response }) => response.socket));
      const written = sockets.map((socket) => socket?.bytesWritten ?? 0);
      const isStill = written.length === count && written.every((bytes, index) => bytes > 0 && bytes === before[index]);
      before = written;
      return isStill;
    },
    STALL_MS,
  );
}

describe(`fault 16: ${MANY} clients that stop reading`, () => {
  it('cost no more than the buffers that they are allowed, and are dropped', { timeout: 60_000 + DROP_DEADLINE_MS }, async () => {
    const random = randomFor('slow readers');
    const upstream = await FaultyUpstream.start(random);
    onTestFinished(() => upstream.close());
    const gateway = await GatewayProcess.start(upstream.url, ENV, (kill) => onTestFinished(kill));
    const visitors = new Visitors(gateway.url, upstream, random);
    onTestFinished(() => visitors.close());
    const atFirst = await gateway.residentBytes();

    const visits = Array.from({ length: MANY }, (_unused, index) => visitors.visit(`slow-${index}`, 'flood', 'stops_reading'));
    await untilStalled(upstream, MANY);
    const stalled = await gateway.residentBytes();
    expect((await gateway.stats()).requests.running).toBe(MANY);

    await waitFor('all of them to be dropped', async () => upstream.inUse === 0, DROP_DEADLINE_MS);
    await gateway.idle();
    const dropped = (await Promise.all(visits)).filter(({ leftAtMs }) => leftAtMs === undefined);
    expect(await gateway.app.signal('SIGTERM')).toBe(0);
    const told = await Told.read(`file:${gateway.folder}`);
    expect([dropped.length, told.counts(), told.unbalanced()]).toEqual([MANY, { 'cancelled streaming': MANY }, []]);
    console.log(`${MANY} slow readers: ${mebibytes(stalled)}, after ${mebibytes(atFirst)} at the start`);
    expect(stalled - atFirst).toBeLessThan(MANY * (BUFFER_BYTES + BESIDE_BYTES) + GARBAGE_BYTES);
  });
});
