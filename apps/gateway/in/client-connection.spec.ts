import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { until } from '../test-gateway.fixture.js';
import type { AnswerStream } from './answer-stream.js';
import { BODY, EchoServer, post } from './plain-door.fixture.js';

let plain: EchoServer;

async function inDoorAre(count: number): Promise<void> {
  await until(
    () => plain.door!.size === count,
    () => `${count} connections; got ${plain.door!.size}`,
  );
}

describe('a connection', () => {
  let socket: Socket;
  let received: string;

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    plain = await EchoServer.start('open');
    socket = plain.connect();
    received = '';
    socket.on('data', (bytes) => (received += bytes.toString('latin1')));
    await once(socket, 'connect');
  });
  afterEach(async () => {
    vi.useRealTimers();
    socket.destroy();
    await plain.close();
  });

  const answers = (count: number) =>
    until(
      () => received.split('200 OK').length - 1 >= count,
      () => `${count} answers; got ${received}`,
    );

  it('is kept for as long as its answers promise, and not for ever', async () => {
    socket.write(post());
    await answers(1);
    expect(received).toContain('\r\nKeep-Alive: timeout=72\r\n');
    vi.advanceTimersByTime(73_000);
    socket.write(post());
    await answers(2);
    const closed = once(socket, 'close');
    vi.advanceTimersByTime(74_000);
    await closed;
    await inDoorAre(0);
  });

  it('is never closed while an answer is under way', async () => {
    let late: AnswerStream | undefined;
    plain.script = (answer) => void (late = answer);
    socket.write(post());
    await until(
      () => late !== undefined,
      () => 'the request',
    );
    vi.advanceTimersByTime(1_000_000);
    late!.head({ status: 200, statusText: 'OK', headers: [], isDated: false });
    late!.end();
    await answers(1);
    expect(socket.destroyed).toBe(false);
  });

  it.each([
    ['says nothing', ''],
    ['stops within a body', post().slice(0, -1)],
  ])('that %s goes to Node, which has limits for that', async (_what, text) => {
    await inDoorAre(1);
    if (text !== '') socket.write(text);
    await until(
      () => plain.welcomed.length === (text === '' ? 0 : 1),
      () => 'the bytes',
    );
    const connections = () => new Promise<number>((resolve) => plain.server.getConnections((_error, count) => resolve(count)));
    vi.advanceTimersByTime(6_000);
    expect(plain.door!.size).toBe(0);
    expect(await connections()).toBe(1);
    expect(plain.passed).toEqual(plain.welcomed);
    const taken = plain.taken;
    socket.write(text === '' ? post() : '}');
    await answers(1);
    expect(plain.taken).toBe(taken);
  });

  it('is closed with all others when the door is shut; the next goes to Node', async () => {
    socket.write(post());
    await answers(1);
    const closed = once(socket, 'close');
    plain.door!.shut();
    await closed;
    await inDoorAre(0);
    expect(await plain.exchange([post()])).toContain('200 OK');
    expect(plain.taken).toBe(1);
  });

  it('may be ahead of its answers, as far as is sensible: nothing is lost', async () => {
    const waiting: AnswerStream[] = [];
    plain.script = (answer) => void waiting.push(answer);
    const large = post('x'.repeat(300_000));
    socket.write(post());
    await until(
      () => waiting.length === 1,
      () => 'the first request',
    );
    socket.write(large);
    socket.write(post('last'));
    await until(
      () => plain.sockets[0]!.bytesRead === post().length + large.length + post('last').length,
      () => 'all of it to be read',
    );
    for (let count = 1; count <= 3; count += 1) {
      await until(
        () => waiting.length >= count,
        () => `request ${count}`,
      );
      waiting[count - 1]!.head({ status: 200, statusText: 'OK', headers: [], isDated: false });
      waiting[count - 1]!.end(Buffer.from(`${count}`));
      await answers(count);
    }
    expect(received).toMatch(/\r\n1\r\n1\r\n[^]*\r\n1\r\n2\r\n[^]*\r\n1\r\n3\r\n/);
  });

  it.each([300_000, 900_000])('that is ahead by %i bytes is heard hanging up all the same', async (length) => {
    Object.assign(plain.server, { httpAllowHalfOpen: false });
    const told: string[] = [];
    plain.script = (answer) => answer.attach({ drained: () => {}, finished: () => {}, closed: () => void told.push('closed') });
    socket.write(post());
    await until(
      () => plain.taken === 1,
      () => 'the request',
    );
    socket.write(post('x'.repeat(length)), () => socket.destroy());
    await until(
      () => told.length > 0,
      () => 'the end',
    );
    expect([told, plain.taken]).toEqual([['closed'], 1]);
  });

  it('that is ahead by more than a request is cut', async () => {
    plain.script = () => {};
    socket.write(post());
    await until(
      () => plain.taken === 1,
      () => 'the request',
    );
    socket.write(post('x'.repeat(plain.maxBodyBytes + 20_000)));
    await until(
      () => socket.destroyed,
      () => 'the cut',
    );
    expect(plain.taken).toBe(1);
  });

  it('hears of a client that takes more again', async () => {
    let drains = 0;
    plain.script = (answer) => {
      answer.attach({ drained: () => (drains += 1), finished: () => {}, closed: () => {} });
      answer.head({ status: 200, statusText: 'OK', headers: [], isDated: false });
      while (answer.backlog < 5_000_000) answer.write(Buffer.alloc(100_000, 'x'));
    };
    socket.pause();
    socket.write(post());
    await until(
      () => plain.taken === 1,
      () => 'the request',
    );
    expect(drains).toBe(0);
    socket.resume();
    await until(
      () => drains > 0,
      () => 'the drain',
    );
  });

  it('says nothing after the end of an answer', async () => {
    plain.script = (answer) => {
      answer.head({ status: 200, statusText: 'OK', headers: ['content-length', '3'], isDated: false });
      answer.end(Buffer.from('all'));
      answer.write(Buffer.from('MORE'));
    };
    expect(await plain.exchange([post()])).toMatch(/\r\n\r\nall$/);
  });

  it('takes no request after its last answer', async () => {
    let late: AnswerStream | undefined;
    plain.script = (answer) => void (late = answer);
    socket.write(post(BODY, 'connection: close\r\n'));
    await until(
      () => late !== undefined,
      () => 'the request',
    );
    const closed = once(socket, 'close');
    late!.head({ status: 200, statusText: 'OK', headers: [], isDated: false });
    late!.end();
    await new Promise((resolve) => process.nextTick(resolve)); // The answer is out, and the connection about to be closed.
    plain.sockets[0]!.emit('data', Buffer.from(post()));
    await closed;
    expect(plain.taken).toBe(1);
  });

  it('that breaks within a body is told of once', async () => {
    socket.write(post().slice(0, -1));
    await until(
      () => plain.welcomed.length === 1,
      () => 'the bytes',
    );
    socket.resetAndDestroy();
    await until(
      () => plain.abandonedCount === 1,
      () => 'the end',
    );
    expect([plain.taken, plain.door!.size]).toEqual([0, 0]);
  });

  it('ends with the answer if the client has ended it', async () => {
    let late: AnswerStream | undefined;
    plain.script = (answer) => void (late = answer);
    socket.write(post());
    socket.end();
    await until(
      () => late !== undefined,
      () => 'the request',
    );
    const closed = once(socket, 'close');
    late!.head({ status: 200, statusText: 'OK', headers: [], isDated: false });
    late!.end(Buffer.from('all'));
    await closed;
    expect(received).toContain('all');
  });

  it('that the client has ended is given up at once where such clients are not served', async () => {
    Object.assign(plain.server, { httpAllowHalfOpen: false });
    const told: string[] = [];
    const fate = { drained: () => {}, finished: () => void told.push('finished'), closed: () => void told.push('closed') };
    plain.script = (answer) => answer.attach(fate);
    socket.write(post());
    socket.end();
    await until(
      () => told.length > 0,
      () => 'the end',
    );
    expect(told).toEqual(['closed']);
  });

  it('that ends while its answer is written loses no byte that was before, and is never told to be done', async () => {
    Object.assign(plain.server, { httpAllowHalfOpen: false });
    const told: string[] = [];
    let late: AnswerStream | undefined;
    plain.script = (answer) => {
      answer.attach({ drained: () => {}, finished: () => void told.push('finished'), closed: () => void told.push('closed') });
      answer.head({ status: 200, statusText: 'OK', headers: [], isDated: false });
      answer.write(Buffer.alloc(9_000_000, 'x'));
      late = answer;
    };
    socket.pause();
    socket.write(post());
    await until(
      () => late !== undefined,
      () => 'the request',
    );
    socket.end();
    await until(
      () => plain.sockets[0]!.writableEnded,
      () => 'the end of the client to be heard',
    );
    late!.end();
    socket.resume();
    await until(
      () => told.length > 0 && socket.destroyed,
      () => 'the end',
    );
    expect(told).toEqual(['closed']);
    expect(received.length).toBeGreaterThan(9_000_000);
  });
});
