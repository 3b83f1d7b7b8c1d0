import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { request } from 'undici';

const PROBE_EVERY_MS = 50;
const MOST_TRIES = 100;

/** What became of one try. `undefined` is an answer that was passed on. */
type Refusal = 'draining' | 'refused' | 'reset' | undefined;

/**
 * A load balancer as small as can be. It sends new requests to those that are ready, in turn, each on a connection of its own, and to the next
 * one what a gateway did not take: because it drains, or because it takes no connections any more.
 */
export class Balancer {
  /** Requests that were sent on to another gateway, by why. */
  readonly sentOn = { draining: 0, refused: 0, reset: 0 };
  private readonly ready = new Set<string>();
  private readonly all = new Set<string>();
  private readonly server: Server;
  private readonly probe: NodeJS.Timeout;
  private turn = 0;

  private constructor() {
    this.server = createServer((incoming, response) => void this.serve(incoming, response));
    this.probe = setInterval(() => {
      for (const url of this.all) void this.look(url);
    }, PROBE_EVERY_MS);
  }

  static async start(): Promise<Balancer> {
    const balancer = new Balancer();
    balancer.server.listen(0, '127.0.0.1');
    await once(balancer.server, 'listening');
    return balancer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Those that are ready now. */
  get readyUrls(): readonly string[] {
    return [...this.ready];
  }

  /** From now on it is looked after. */
  add(url: string): void {
    this.all.add(url);
  }

  remove(url: string): void {
    this.all.delete(url);
    this.ready.delete(url);
  }

  close(): void {
    clearInterval(this.probe);
    this.server.close();
    this.server.closeAllConnections();
  }

  private async look(url: string): Promise<void> {
    const isReady = await request(`${url}/health/ready`, { signal: AbortSignal.timeout(2_000) }).then(
      async ({ statusCode, body }) => {
        await body.dump();
        return statusCode === 200;
      },
      () => false,
    );
    if (isReady && this.all.has(url)) this.ready.add(url);
    else this.ready.delete(url);
  }

  private async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const refusal = await this.try(incoming, body, response);
      if (refusal === undefined) return;
      if (refusal !== 'none') this.sentOn[refusal] += 1;
      else await wait(PROBE_EVERY_MS);
    }
    response.writeHead(502).end();
  }

  private try(incoming: IncomingMessage, body: Buffer, response: ServerResponse): Promise<Refusal | 'none'> {
    const urls = this.readyUrls;
    const url = urls[(this.turn += 1) % urls.length];
    if (url === undefined) return Promise.resolve('none');
    const { method = '', headers } = incoming;
    return new Promise((resolve) => {
      const outgoing = httpRequest(url + incoming.url, { method, headers: { ...headers, connection: 'close' }, agent: false });
      outgoing.once('error', (error: NodeJS.ErrnoException) => {
        this.ready.delete(url);
        // In the middle of an answer there is no other way than to break it off.
        if (response.headersSent) response.destroy();
        resolve(response.headersSent ? undefined : error.code === 'ECONNREFUSED' ? 'refused' : 'reset');
      });
      outgoing.once('response', (answer) => void passOn(answer, response).then(resolve));
      outgoing.end(body);
    });
  }
}

/** Passes the answer on, unless it says that the gateway drains. */
async function passOn(answer: IncomingMessage, response: ServerResponse): Promise<Refusal> {
  const parts: Buffer[] = [];
  try {
    if (answer.statusCode === 503) {
      for await (const part of answer) parts.push(part as Buffer);
      if (Buffer.concat(parts).includes('"shutting_down"')) return 'draining';
    }
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    for (const part of parts) response.write(part);
    for await (const part of answer) response.write(part);
    response.end();
  } catch {
    response.destroy();
  }
  return undefined;
}
