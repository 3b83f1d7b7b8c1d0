import { createServer, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerJson, ScriptedUpstream, startStream, streamWords } from './scripted-upstream.fixture.js';
import { chatBody, send, TestGateway, until, type Answer, type Sent } from './test-gateway.fixture.js';

let upstreams: ScriptedUpstream[];
let gateway: TestGateway;
let held: ServerResponse[];
let others: Server[];

async function start(urls: readonly string[], env: Record<string, string> = {}): Promise<void> {
  gateway = await TestGateway.start(urls.join(','), env);
}

function chat(id?: string): Sent {
  const headers: Record<string, string> = id === undefined ? {} : { 'x-request-id': id };
  return send(`${gateway.url}/v1/chat/completions`, { headers, body: chatBody({ stream: true }) });
}

async function health(): Promise<{
  upstream: object;
  upstreams: { name: string; reachable: boolean; set_aside: boolean; running: number }[];
}> {
  const { body } = await send(`${gateway.url}/health`, { method: 'GET' }).answer;
  return JSON.parse(body.toString()) as Awaited<ReturnType<typeof health>>;
}

/** A port of this machine on which nobody listens. */
async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Takes connections, reads what comes, and does with each what `then` says. */
async function tcpServer(then: (socket: Socket) => void): Promise<{ readonly url: string; readonly bytes: () => number }> {
  let bytes = 0;
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (part: Buffer) => {
      bytes += part.length;
      then(socket);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  others.push(server);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bytes: () => bytes };
}

const nameOf = (url: string): string => new URL(url).host;
const linesWith = (text: string): string[] => gateway.logLines.filter((line) => line.includes(text));

async function answered(count: number): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let sent = 0; sent < count; sent += 1) answers.push(await chat().answer);
  return answers;
}

beforeEach(async () => {
  upstreams = [await ScriptedUpstream.start(), await ScriptedUpstream.start()];
  held = [];
  others = [];
  for (const upstream of upstreams) upstream.script = streamWords('a');
});

afterEach(async () => {
  for (const upstream of upstreams) upstream.script = (_request, response) => response.destroy();
  for (const response of held) response.destroy();
  await gateway.drain();
  await gateway.close();
  for (const upstream of upstreams) await upstream.close();
  for (const server of others) server.close();
});

describe('several upstreams', () => {
  it('get the next request where the fewest are, and events tell where each went', async () => {
    await start(upstreams.map(({ url }) => url));
    for (const upstream of upstreams) upstream.script = (_request, response) => void held.push(response);
    for (let count = 1; count <= 6; count += 1) {
      chat();
      await until(
        () => held.length === count,
        () => `request ${count} to arrive`,
      );
    }
    expect(upstreams.map(({ inside }) => inside)).toEqual([3, 3]);
    expect((await health()).upstreams).toEqual(
      upstreams.map(({ url }) => ({ name: nameOf(url), reachable: true, set_aside: false, running: 3 })),
    );
    await until(
      () => gateway.ofType('io.inferometer.request.started.v1').length === 6,
      () => 'six started events',
    );
    const told = gateway.ofType('io.inferometer.request.started.v1').map(({ data }) => `${data.upstream_index} ${data.upstream}`);
    const places = upstreams.flatMap(({ url }, index) => Array.from({ length: 3 }, () => `${index} ${nameOf(url)}`));
    expect(told.toSorted()).toEqual(places.toSorted());
    const first = upstreams[0]!;
    for (const [index, response] of held.entries()) if (index % 2 === 0) streamWords('a')(first.seen[index / 2]!, response);
    await gateway.terminals(3);
    for (const { answer } of [chat(), chat()]) void answer;
    await until(
      () => first.inside === 2,
      () => `two at the idle upstream, got ${first.inside}`,
    );
  });

  it('share one limit: never one more than that is at them all', async () => {
    await start(
      upstreams.map(({ url }) => url),
      { MAX_CONCURRENT_REQUESTS: '3' },
    );
    let inside = 0;
    let peak = 0;
    for (const upstream of upstreams) {
      upstream.script = (request, response) => {
        inside += 1;
        peak = Math.max(peak, inside);
        setTimeout(() => {
          inside -= 1;
          streamWords('a')(request, response);
        }, 3);
      };
    }
    const answers = await Promise.all(Array.from({ length: 60 }, () => chat().answer));
    expect(answers.every(({ status, complete }) => status === 200 && complete)).toBe(true);
    expect(peak).toBe(3);
  });

  it('take over from one that refuses connections; it is put aside, and back when it answers', async () => {
    const port = await freePort();
    const gone = `http://127.0.0.1:${port}`;
    await start([gone, upstreams[0]!.url]);
    const { status } = await chat('first').answer;
    expect(status).toBe(200);
    await gateway.terminals(1);
    expect(gateway.lifecycle('first')).toEqual(['received', 'started', 'completed'].toSpliced(2, 0, 'first_token'));
    expect(gateway.ofType('io.inferometer.request.started.v1')[0]!.data.upstream).toBe(nameOf(upstreams[0]!.url));
    await answered(5);
    expect(linesWith(`upstream ${nameOf(gone)} takes no connections`)).toHaveLength(1);
    expect(await health()).toMatchObject({
      upstream: { reachable: true },
      upstreams: [
        { name: nameOf(gone), reachable: false, set_aside: true, running: 0 },
        { name: nameOf(upstreams[0]!.url), reachable: true, set_aside: false, running: 0 },
      ],
    });
    const metrics = await send(`${gateway.url}/metrics`, { method: 'GET' }).answer;
    expect(metrics.body.toString()).toContain(`inferometer_gateway_upstream_up{upstream="${nameOf(gone)}"} 0\n`);
    expect(metrics.body.toString()).toContain(`inferometer_gateway_upstream_up{upstream="${nameOf(upstreams[0]!.url)}"} 1\n`);
    let asked = 0;
    const server = createServer((_request, response) => {
      asked += 1;
      response.end('{}');
    }).listen(port, '127.0.0.1');
    others.push(server);
    await until(
      () => linesWith(`upstream ${nameOf(gone)} is back after`).length === 1,
      () => 'the upstream to be back',
    );
    asked = 0;
    await answered(4);
    expect(asked).toBe(2);
    server.closeAllConnections();
  });

  it('do not get a request of which a byte went up to another one', async () => {
    const dead = await tcpServer((socket) => socket.destroy());
    await start([dead.url, upstreams[0]!.url]);
    expect((await chat().answer).status).toBe(502);
    expect(await gateway.failed()).toMatchObject({ error_type: 'upstream_unreachable' });
    expect([dead.bytes() > 0, upstreams[0]!.seen.length]).toEqual([true, 0]);
  });

  it('are put aside after three requests in a row without an answer', async () => {
    const dead = await tcpServer((socket) => socket.destroy());
    await start([dead.url, upstreams[0]!.url]);
    const statuses = (await answered(12)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 502)).toHaveLength(3);
    expect(linesWith(`upstream ${nameOf(dead.url)} does not answer`)).toHaveLength(1);
    expect(await gateway.terminals(12)).toHaveLength(12);
  });

  it('are not put aside for what a client asks of them', async () => {
    await start([upstreams[0]!.url]);
    upstreams[0]!.script = answerJson({ detail: 'no' }, 500);
    await answered(5);
    expect(linesWith('put aside')).toEqual([]);
  });

  it('may all be gone: 502, at once and one event each, and well again when one is back', async () => {
    const ports = [await freePort(), await freePort()];
    await start(ports.map((port) => `http://127.0.0.1:${port}`));
    const answers = await answered(4);
    expect(answers.map(({ status }) => status)).toEqual([502, 502, 502, 502]);
    const ends = await gateway.terminals(4);
    expect(ends.map(({ type }) => type)).toEqual(Array.from({ length: 4 }, () => 'io.inferometer.request.failed.v1'));
    expect((await health()).upstream).toEqual({ reachable: false });
    const server = createServer((_request, response) => response.end('{}')).listen(ports[1], '127.0.0.1');
    others.push(server);
    await until(
      () => linesWith('is back after').length === 1,
      () => 'one upstream to be back',
    );
    expect((await answered(3)).map(({ status }) => status)).toEqual([200, 200, 200]);
    server.closeAllConnections();
  });

  it('lose nothing of their places when clients hang up', async () => {
    await start(upstreams.map(({ url }) => url));
    for (const upstream of upstreams) {
      upstream.script = (_request, response) => {
        held.push(response);
        startStream(response);
        response.write('data: {"choices":[{"delta":{"content":"x"}}]}\n\n');
      };
    }
    const sent = Array.from({ length: 8 }, () => chat());
    await Promise.all(sent.map(({ firstBytes }) => firstBytes));
    for (const one of sent) one.hangUp();
    await gateway.terminals(8);
    expect((await health()).upstreams.map(({ running }) => running)).toEqual([0, 0]);
  });

  it('show the models of one that is there', async () => {
    const gone = `http://127.0.0.1:${await freePort()}`;
    await start([gone, upstreams[0]!.url]);
    upstreams[0]!.script = answerJson({ data: [] });
    expect((await send(`${gateway.url}/v1/models`, { method: 'GET' }).answer).status).toBe(200);
  });
});
