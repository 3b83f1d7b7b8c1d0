import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { fakeDocument } from '../core/document.fixture.js';
import { MetricsClient } from './metrics-client.js';

const running: { server: Server; client?: MetricsClient }[] = [];

async function urlOf(server: Server): Promise<string> {
  running.push({ server });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function answerOf(url: string, apiToken?: string, signal = new AbortController().signal) {
  const client = new MetricsClient(url, '15m', apiToken);
  try {
    return await client.fetch(signal);
  } finally {
    await client.close();
  }
}

const answering = (listener: RequestListener) => urlOf(createHttpServer(listener));

afterEach(() => {
  for (const { server } of running.splice(0)) server.close();
});

describe('MetricsClient', () => {
  const text = JSON.stringify(fakeDocument());

  it('asks for the window, with the token, below the path of the address', async () => {
    const asked: Pick<IncomingMessage, 'url' | 'headers'>[] = [];
    const url = await answering((request, response) => {
      asked.push({ url: request.url ?? '', headers: request.headers });
      response.end(text);
    });
    expect(await answerOf(`${url}/below`, 'secret')).toEqual({ ok: true, document: fakeDocument(), text });
    expect(await answerOf(url)).toMatchObject({ ok: true });
    expect(asked.map((one) => [one.url, one.headers.authorization])).toEqual([
      ['/below/api/v1/metrics?window=15m', 'Bearer secret'],
      ['/api/v1/metrics?window=15m', undefined],
    ]);
  });

  it.each([401, 404, 500])('tells a %i', async (status) => {
    const url = await answering((_request, response) => response.writeHead(status).end('{}'));
    expect(await answerOf(url)).toEqual({ ok: false, problem: { kind: 'status', status } });
  });

  it('does not follow a redirect with its token', async () => {
    const url = await answering((_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end());
    expect(await answerOf(url, 'secret')).toEqual({ ok: false, problem: { kind: 'status', status: 302 } });
  });

  it('tells what is no metrics document', async () => {
    const url = await answering((_request, response) => response.end('<html></html>'));
    expect(await answerOf(url)).toEqual({ ok: false, problem: { kind: 'not_json' } });
  });

  it('tells that nobody listens', async () => {
    const server = createServer();
    const url = await urlOf(server);
    await new Promise((resolve) => {
      server.close(resolve);
    });
    expect(await answerOf(url)).toEqual({ ok: false, problem: { kind: 'refused' } });
  });

  it('tells that the connection was cut in the middle of the document', async () => {
    const url = await answering((_request, response) => {
      response.writeHead(200, { 'content-length': text.length });
      response.write(text.slice(0, 100), () => response.destroy());
    });
    expect(await answerOf(url)).toEqual({ ok: false, problem: { kind: 'cut' } });
  });

  it('tells that the server does not speak HTTP', async () => {
    const url = await urlOf(createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')));
    expect(await answerOf(url)).toEqual({ ok: false, problem: { kind: 'not_http' } });
  });

  it('reads no endless answer', async () => {
    const url = await answering((_request, response) => {
      const more = () => void (response.destroyed || response.write(' '.repeat(1_000_000), () => setImmediate(more)));
      more();
    });
    expect(await answerOf(url)).toEqual({ ok: false, problem: { kind: 'too_large' } });
  });

  it('gives up at once when it is told to', async () => {
    const stop = new AbortController();
    const url = await answering(() => stop.abort());
    expect(await answerOf(url, undefined, stop.signal)).toEqual({ ok: false, problem: { kind: 'network', code: 'AbortError' } });
  });
});
